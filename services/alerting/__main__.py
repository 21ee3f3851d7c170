"""`python -m services.alerting`."""

from services.alerting.program import program
from services.alerting.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("alerting", Settings, lambda settings: settings.alerting.admin, program)
