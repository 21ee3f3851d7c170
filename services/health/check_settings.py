"""What can be said of every check in the settings."""

from typing import Annotated

from pydantic import Field

from services.health.core.damping import Damping
from shared.settings import Section

Interval = Annotated[float, Field(ge=1, le=86_400)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Runs = Annotated[int, Field(ge=1, le=100)]


class CheckSettings(Section):
    """What can be said of every check."""

    enabled: bool = True
    """Whether it runs at all."""
    interval_seconds: Interval | None = None
    """How often; `health.interval_seconds` if not said."""
    deadline_seconds: Seconds | None = None
    """How long it may take; `health.deadline_seconds` if not said."""
    failures: Runs = 1
    """How many runs in a row must find something worse before it is told."""
    successes: Runs = 1
    """How many runs in a row must find something better before it is told."""
    depends_on: Annotated[list[str], Field(max_length=32)] = []
    """Names of checks without which this one can't be healthy, e.g. `mikrotik:core-1`."""

    @property
    def damping(self) -> Damping:
        """How changes are damped."""
        return Damping(self.failures, self.successes)
