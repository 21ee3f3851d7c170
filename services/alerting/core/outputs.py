"""What folding a message brings forth."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.messages.alerts import AlertEvent, CurrentAlert


class Failure(NamedTuple):
    """A rule that could not be evaluated."""

    group: str
    rule: str
    reason: str


@dataclass
class Outputs:
    """Events in order, the alerts that they changed (None: over), and what is to be counted."""

    events: list[AlertEvent] = field(default_factory=list)
    current: list[tuple[str, CurrentAlert | None]] = field(default_factory=list)
    evaluations: int = 0
    unknown_instants: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Samples that don't count, by reason: late, future, not_selected, window_full."""
    failures: list[Failure] = field(default_factory=list)
