"""What a check is. To add one: a file in `checks/`, its settings, its tests."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from services.health.core.complaints import Complaint, summed_up
from shared.messages.health import Status
from shared.metrics import Metric

Figures = tuple[tuple[Metric, float], ...]


class Finding(NamedTuple):
    """What one run of a check found."""

    status: Status
    details: dict[str, Any]
    """For people; JSON, and nothing secret in it."""
    figures: Figures = ()
    """What was measured, of the metrics in `core.results.FIGURES`: samples with the label `service`."""


def judged(complaints: Sequence[Complaint], details: dict[str, Any], figures: Figures = ()) -> Finding:
    """The finding for what is wrong: as bad as the worst complaint, which the details tell beside `details`."""
    status, why = summed_up(complaints)
    return Finding(status, why | details, figures)


class Check(Protocol):
    """Something that is asked every `interval_seconds` how it is."""

    name: str
    """Unique among the checks, e.g. `database`, `http:portal`: the label `service`."""
    kind: str
    """What kind of thing is checked, e.g. `database`, `http`: the name of its section in the settings `health`."""
    interval_seconds: float
    deadline_seconds: float
    secrets: frozenset[str]
    """What must not appear in an error's text."""

    async def run(self) -> Finding:
        """Ask once. An exception means unhealthy, with its text. It is cancelled at its deadline; blocking calls go
        through `shared.blocking`."""
        ...
