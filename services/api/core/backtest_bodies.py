"""The lines in which a backtest is answered."""

from typing import Literal

from services.api.core.bodies import Body
from shared.messages.alerts import Evidence, Severity, State
from shared.messages.message import Instant


class BacktestProgress(Body):
    """How far it is."""

    done: int
    """Milliseconds of history, over both runs where there is a comparison"""
    of: int


class BacktestTransition(Body):
    """A transition that would have been."""

    instant: Instant
    """The evaluation instant at which it is decided"""
    group: str
    rule: str
    state: State
    previous_state: State
    episode: Instant
    """The instant at which the episode began"""
    labels: dict[str, str]
    severity: Severity
    message: str
    annotations: dict[str, str]
    value: float | None
    """Absent: not a finite number"""
    shadow: bool
    """Nothing would be sent"""
    evidence: Evidence | None = None
    """The samples that decided, where they were asked for"""


class BacktestNotification(Body):
    """A notification that would have gone to whoever receives the alert."""

    at: Instant
    kind: Literal["firing", "resolved"]
    deferred: bool
    """It waited for the end of the cooldown"""
    group: str
    rule: str
    labels: dict[str, str]
    severity: Severity
    message: str


class BacktestFailure(Body):
    """A rule that could not be evaluated."""

    group: str
    rule: str
    count: int
    """At so many instants"""
    first_instant: Instant
    reason: str
    """As of the first time"""


class FiringTimes(Body):
    """When an alert fires; without an end it fires still."""

    start: Instant
    end: Instant | None = None


class FiringChange(Body):
    """A time in which an alert fires, in the current run, the changed one, or both. Where it is in both: by how much it
    starts and ends later (negative: earlier) and lasts longer."""

    kind: Literal["new", "gone", "merged", "split", "changed", "unchanged"]
    """merged: in the changed run it is part of a longer firing, which is told, too; split: in the current run it was"""
    labels: dict[str, str]
    current: FiringTimes | None = None
    changed: FiringTimes | None = None
    starts_by_seconds: float | None = None
    ends_by_seconds: float | None = None
    lasts_by_seconds: float | None = None


class SentCounts(Body):
    """Notifications."""

    firing: int
    resolved: int
    deferred: int
    """Of the firings, those that waited for the end of their cooldown"""


class BacktestComparison(Body):
    """The changed rules against the current ones: how many firings."""

    new: int
    gone: int
    merged: int
    split: int
    earlier: int
    later: int
    longer: int
    shorter: int
    unchanged: int
    current_notifications: SentCounts
    changed_notifications: SentCounts


class BacktestSummary(Body):
    """The last line of a backtest that came to its end."""

    start: Instant
    end: Instant
    evaluations: int
    """Of a rule at an instant"""
    unknown_instants: int
    """At which no collector had given a sign: nothing was concluded from what is missing"""
    transitions: dict[State, int]
    notifications: SentCounts
    failures: int
    """Rules that failed at some instant"""
    series: int
    """Read from history"""
    samples: int
    """Read from history"""
    history_until: Instant | None
    """Until then history has all that the bus accepted; null: not known"""
    complete: bool
    """Whether that reaches the end of the range"""
    seconds: float
    """How long it took"""
    comparison: BacktestComparison | None = None


class BacktestError(Body):
    """Why a backtest that was under way is not brought to its end."""

    status: int
    """What the HTTP status would have been"""
    detail: str


class BacktestLine(Body):
    """One line of the answer: one of these."""

    progress: BacktestProgress | None = None
    transition: BacktestTransition | None = None
    notification: BacktestNotification | None = None
    failure: BacktestFailure | None = None
    change: FiringChange | None = None
    summary: BacktestSummary | None = None
    error: BacktestError | None = None

    def encode(self) -> bytes:
        """The line, its end included."""
        return self.model_dump_json(exclude_none=True).encode() + b"\n"
