"""Run the health service: `python -m services.health`."""

from services.health.program import program
from services.health.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("health", Settings, lambda settings: settings.health.admin, program, needs_bus=False)
