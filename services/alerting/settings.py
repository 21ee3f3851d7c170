"""Alerting's section of the settings."""

from typing import Annotated

from pydantic import Field

from services.alerting.core.terms import Terms
from shared.settings import AdminSettings, CommonSettings, Section

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class AlertingSettings(Section):
    """How rules are evaluated, and how often the state is kept."""

    admin: AdminSettings = AdminSettings(port=18083)

    evaluation_interval_seconds: Seconds = 15.0
    """The grid of rule groups that don't name an interval."""

    dark_after_seconds: Seconds = 120.0
    """Without a sign of any collector for longer, nothing is concluded from what is missing. Must exceed the
    collector's interval."""

    snapshot_interval_seconds: Seconds = 10.0
    """How often the state is stored; after a crash that much is evaluated again."""

    marker_interval_seconds: Seconds = 1.0
    """How often the rule groups are told how far the samples have come: the most that an instant waits."""

    fetch_wait_milliseconds: Annotated[int, Field(ge=1, le=1_500)] = 20
    """How long the broker may hold a request for messages while there are none; the lower, the sooner an alert."""

    @property
    def terms(self) -> Terms:
        """What the fold is told."""
        return Terms(
            evaluation_interval_ms=round(self.evaluation_interval_seconds * 1000),
            dark_after_ms=round(self.dark_after_seconds * 1000),
        )


class Settings(CommonSettings):
    """All that alerting is told."""

    alerting: AlertingSettings = AlertingSettings()
