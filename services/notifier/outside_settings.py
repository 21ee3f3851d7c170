"""What of section `notifications` only the notifier reads further, for it holds secrets of others."""

from typing import Annotated

from pydantic import Field, field_validator

from services.notifier.alertmanager_settings import AlertmanagerSettings
from services.notifier.forward_settings import ForwardSettings
from shared.routing.settings import NotificationsSettings


class NotifierNotifications(NotificationsSettings):
    """The section as the notifier reads it."""

    alertmanagers: Annotated[list[AlertmanagerSettings], Field(max_length=20)] = []
    """Each gets every alert, in the format of Alertmanager's API v2, beside the receivers."""
    forward: Annotated[list[ForwardSettings], Field(max_length=20)] = []
    """Metrics for outside monitoring systems."""

    @field_validator("alertmanagers")
    @classmethod
    def _alertmanagers_differ(cls, given: list[AlertmanagerSettings]) -> list[AlertmanagerSettings]:
        _unique("Alertmanagers", [one.label for one in given])
        return given

    @field_validator("forward")
    @classmethod
    def _targets_differ(cls, given: list[ForwardSettings]) -> list[ForwardSettings]:
        _unique("systems", [one.label for one in given])
        return given


def _unique(what: str, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two {what} are called {', '.join(twice)}: give them names")
