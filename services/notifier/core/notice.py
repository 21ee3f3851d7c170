"""What a receiver is told at once: some alerts of one group, and why now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

from shared.messages.access import Recipient
from shared.messages.alerts import AlertEvent
from shared.messages.notifications import NotifiedAlert

Status = Literal["firing", "resolved", "passed"]
"""`passed`: it fired and was over before anybody could be told."""
Occasion = Literal["change", "repeat", "digest", "escalation", "test"]
"""Why now: something changed; it still fires; what was missed, in one; nobody acknowledged; somebody wants to see."""


@dataclass(frozen=True, slots=True)
class Held:
    """That an alert was held back before it is told."""

    by: tuple[str, ...]
    """What did: `silence:ID`, `dependency:CHECK`, …"""
    since_ms: int
    until_ms: int

    @classmethod
    def of(cls, alert: NotifiedAlert) -> Self | None:
        """As the ledger has it; None if it was not held back."""
        if not alert.muted_by or alert.muted_since is None or alert.muted_until is None:
            return None
        return cls(tuple(alert.muted_by), alert.muted_since, alert.muted_until)


@dataclass(frozen=True, slots=True)
class NoticedAlert:
    """One alert as it is told."""

    event: AlertEvent
    """The transition that is told; where the alert is over, its end."""
    status: Status
    held: Held | None = None
    """What held it back, where it was."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification before it is put into words. The same content has the same id, however often it is tried."""

    id: str
    receiver: str
    occasion: Occasion
    group_key: str
    """The route and the labels that its alerts share, as Alertmanager writes it: also the thread in mail and chats."""
    group_labels: Mapping[str, str]
    alerts: tuple[NoticedAlert, ...]
    """At least one; those that fire first, then by the time at which they began."""
    planned_ms: int
    """When it was put into the ledger."""
    recipient: Recipient | None = None
    """The person, where the receiver tells people one by one."""
    muted: Mapping[str, int] = field(default_factory=dict)
    """How many more alerts of the group are not told, by what mutes them, e.g. `silence`."""

    merged: int = 0
    """How many more began and were over before they could be told, of which nothing else is said."""

    @property
    def firing(self) -> tuple[NoticedAlert, ...]:
        """The alerts that fire."""
        return tuple(one for one in self.alerts if one.status == "firing")

    @property
    def over(self) -> tuple[NoticedAlert, ...]:
        """The alerts that have ended."""
        return tuple(one for one in self.alerts if one.status != "firing")

    @property
    def status(self) -> Literal["firing", "resolved"]:
        """`firing` while any alert of it does."""
        return "firing" if self.firing else "resolved"

    @property
    def common_labels(self) -> dict[str, str]:
        """The labels that all of its alerts have."""
        return _common([one.event.labels for one in self.alerts])

    @property
    def common_annotations(self) -> dict[str, str]:
        """The annotations that all of its alerts have."""
        return _common([one.event.annotations for one in self.alerts])


def _common(maps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = maps
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}
