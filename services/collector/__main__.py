"""Run the collector: `python -m services.collector`."""

from services.collector.program import program
from services.collector.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("collector", Settings, lambda settings: settings.collector.admin, program, needs_bus=False)
