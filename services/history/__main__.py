"""Run history: `python -m services.history`."""

from services.history.program import program
from services.history.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("history", Settings, lambda settings: settings.history.admin, program)
