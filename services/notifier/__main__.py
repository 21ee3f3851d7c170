"""`python -m services.notifier`: tells people and other systems of alerts."""

from services.notifier.program import program
from services.notifier.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("notifier", Settings, lambda settings: settings.notifier.admin, program, needs_bus=False)
