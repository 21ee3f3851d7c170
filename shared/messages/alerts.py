"""`pantau.alerts.events` and `pantau.alerts.state`: what alerting decides, for everybody.

Identity: an alert is (group, rule, labels). Each time it becomes active it begins an episode, named by the evaluation
instant; each transition within the episode has a number. From these follow ids that are the same whenever the same
input is folded again, so that a reader may drop what it has seen.
"""

from collections.abc import Mapping
from typing import Literal

from shared.messages.message import Instant, Message, Number, content_id, instant_to_text

State = Literal["pending", "firing", "resolved", "inactive"]
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")


class EvidenceSample(Message):
    """One sample that decided."""

    time: Instant
    value: Number
    late: bool = False
    """It came after samples of its source that were more than the lateness bound newer, or after an instant that it
    belongs to had been evaluated."""


class EvidenceSeries(Message):
    """A series that decided, with its latest samples in the window."""

    series: str
    samples: list[EvidenceSample]
    total_samples: int
    partition: int | None = None
    """Partition of `pantau.samples` that its newest sample shown came from."""
    offset: int | None = None
    """Its offset there."""
    accepted_at: Instant | None = None
    """When the bus had it."""


class Evidence(Message):
    """Why: at most 20 series with 50 samples each, and how many there were."""

    series: list[EvidenceSeries] = []
    total_series: int = 0
    late_samples: int = 0
    """How many of the samples that the series show came late."""
    topic: str = "pantau.samples"
    """Where the samples came from."""
    taken_at: Instant | None = None
    """Time of the newest sample among them; its partition, offset and acceptance follow."""
    partition: int | None = None
    offset: int | None = None
    accepted_at: Instant | None = None


class AlertEvent(Message):
    """A transition of one alert: pending -> firing -> resolved, or pending -> inactive."""

    id: str
    """Event id, of (alert id, episode, transition): never reused, the same after a crash."""
    alert_id: str
    fingerprint: str
    """Alertmanager's fingerprint of the labels."""
    group: str
    rule: str
    rule_version: str
    """Content hash of the rule that decided."""
    group_version: int | None = None
    """The version of its group, as `pantau.rules` counts."""
    episode: Instant
    """The evaluation instant at which this episode began."""
    transition: int
    """1 for the episode's first transition, counting up."""
    state: State
    previous_state: State
    instant: Instant
    """The evaluation instant at which it was decided, in event time."""
    decided_at: Instant | None = None
    """When the bus had accepted what let the instant be evaluated: the same after a crash."""
    late_ms: int = 0
    """How much later than at its instant it was decided, where that is more than usual: it was made up after a time
    in which nothing was evaluated."""
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    severity: Severity
    message: str
    value: Number
    expr: str
    threshold: Number | None = None
    for_ms: int = 0
    cooldown_ms: int = 0
    immediate: bool = False
    shadow: bool = False
    fired_at: Instant | None = None
    """When this episode began to fire; absent before."""
    evidence: Evidence = Evidence()


class CurrentAlert(Message):
    """An active alert as it stands; its key is the alert id, and a tombstone says that it is over."""

    alert_id: str
    fingerprint: str
    group: str
    rule: str
    rule_version: str
    episode: Instant
    state: Literal["pending", "firing"]
    since: Instant
    """When it entered this state."""
    fired_at: Instant | None = None
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    severity: Severity
    message: str
    value: Number
    expr: str
    shadow: bool = False
    last_event_id: str
    last_transition: int


def alert_id(group: str, rule: str, labels: Mapping[str, str]) -> str:
    """The alert's id: 32 hex digits of (group, rule, labels)."""
    return content_id(group, rule, *(part for pair in sorted(labels.items()) for part in pair))


def episode_id(alert: str, episode_ms: int) -> str:
    """The id of one episode of an alert: what `GET /api/monitoring/alerts` calls `id`."""
    return f"{alert}-{episode_ms}"


def event_id(alert: str, episode_ms: int, transition: int) -> str:
    """The id of one transition of one episode: 32 hex digits."""
    return content_id(alert, instant_to_text(episode_ms), str(transition))


def fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's label fingerprint: FNV-1a, 64 bit, over sorted name 0xff value 0xff, as 16 hex digits."""
    value = 14_695_981_039_346_656_037
    for name, text in sorted(labels.items()):
        for byte in name.encode() + b"\xff" + text.encode() + b"\xff":
            value = (value ^ byte) * 1_099_511_628_211 & 0xFFFF_FFFF_FFFF_FFFF
    return f"{value:016x}"
