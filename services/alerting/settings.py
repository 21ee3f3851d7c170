"""Alerting's section of the settings."""

from typing import Annotated

from pydantic import Field

from services.alerting.core.terms import Terms
from shared.rules.expansion import Outside
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

    settle_seconds: Annotated[float, Field(ge=0, le=60)] = 0.5
    """An instant of the grid is evaluated that much after it, so that samples that are on their way are seen."""

    lateness_seconds: Seconds = 60.0
    """Samples further behind the newest of their source are refused and counted. A group whose `query_offset` is at
    least that has the outcome of ordered data."""

    most_series_per_group: Annotated[int, Field(ge=1, le=10_000_000)] = 300_000
    """A rule group that selects more series is refused, and everything else goes on."""

    most_waiting_samples: Annotated[int, Field(ge=0, le=10_000_000_000)] = 20_000_000
    """Groups that read what others make wait for these when an outage of alerting is made up for: so many samples are
    kept for them in each of the four partitions of rule groups, at about 20 bytes, and those of the last hour in any
    case. Instants whose samples had to go pass by, and are counted."""

    evaluation_threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Threads in which groups are evaluated that take long."""

    fetch_wait_milliseconds: Annotated[int, Field(ge=1, le=1_500)] = 20
    """How long the broker may hold a request for messages while there are none; the lower, the sooner an alert."""


class Settings(CommonSettings):
    """All that alerting is told."""

    alerting: AlertingSettings = AlertingSettings()

    @property
    def terms(self) -> Terms:
        """What the fold is told."""
        mine = self.alerting
        return Terms(
            evaluation_interval_ms=round(mine.evaluation_interval_seconds * 1000),
            settle_ms=round(mine.settle_seconds * 1000),
            lateness_ms=round(mine.lateness_seconds * 1000),
            dark_after_ms=round(mine.dark_after_seconds * 1000),
            most_series=mine.most_series_per_group,
            most_waiting_samples=mine.most_waiting_samples,
            outside=Outside(tuple(sorted(self.external.labels.items())), self.external.url),
        )
