"""What folding a message brings forth."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.messages.alerts import AlertEvent, CurrentAlert
from shared.rules.derived import Recorded


class Failure(NamedTuple):
    """A rule that could not be evaluated."""

    group: str
    rule: str
    reason: str


class Derived(NamedTuple):
    """What a group made, to go to `pantau.samples`."""

    group: str
    samples: list[Recorded]
    evaluated_ms: int | None
    """What it makes of instants up to here is in these samples and those before; None on arrival."""


@dataclass
class Outputs:
    """Events in order, the alerts that they changed (None: over), and what is to be counted."""

    events: list[AlertEvent] = field(default_factory=list)
    current: list[tuple[str, CurrentAlert | None]] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    evaluations: int = 0
    unknown_instants: int = 0
    passed_over: int = 0
    """Instants of groups that waited for so long that their samples had to be let go."""
    late: int = 0
    """Samples that came after an instant that they belong to: they count from the next one on."""
    refused: Counter[str] = field(default_factory=Counter)
    """Samples that don't count, by reason: late, future, window_full."""
    too_late: Counter[str] = field(default_factory=Counter)
    """Those refused as late, by source."""
    failures: list[Failure] = field(default_factory=list)
