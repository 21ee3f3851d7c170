"""What one alert looks like over HTTP, with everything that is known of how it came about."""

from typing import Literal

from services.api.core.bodies import AlertBody
from services.api.core.explain_bodies import ExactBody
from shared.messages.alerts import Evidence, Severity, State
from shared.messages.message import Instant, Number

DeliveryState = Literal["planned", "sent", "failed", "unknown"]
Occasion = Literal["change", "repeat", "digest", "escalation", "test"]
Told = Literal["firing", "resolved", "passed"]


class DeliveryBody(ExactBody):
    """One step of one delivery."""

    notification_id: str
    receiver: str
    channel: str
    state: DeliveryState
    attempt: int
    at: Instant
    reason: str | None
    latency_ms: float | None
    """From the evaluation instant to the receiver's answer"""
    destination: str
    """Receiver, channel, number among those of its kind, and the person where there is one"""
    occasion: Occasion
    """Why it was due"""
    told: Told | None
    """As what it tells the alert"""
    muted_by: list[str]
    """What holds it back: `dependency:PARENT`, `suspected:PARENT`, `inhibited:ALERT`, `silence:ID`,
    `acknowledgement:ID`, `flapping`, `mute-time:NAME`, `quiet-hours`, `cooldown`; `merged`"""
    muted_since: Instant | None
    muted_until: Instant | None
    """null while it does"""
    untold: list[str]
    """Where the alert ended meanwhile: the destinations that read of it in a digest"""


class TransitionBody(ExactBody):
    """One transition of the alert, and why."""

    id: str
    transition: int
    """1 for the episode's first"""
    state: State
    previous_state: State
    instant: Instant
    """The evaluation instant, in the time of the samples"""
    decided_at: Instant | None
    """When the bus had what let the instant be evaluated"""
    told_at: Instant | None
    """When the bus had the transition"""
    late_ms: int
    """How much later than at its instant it was decided, where that is more than usual"""
    value: Number
    threshold: Number | None
    for_seconds: float
    expr: str
    rule_version: str
    group_version: int | None
    severity: Severity
    message: str
    annotations: dict[str, str]
    shadow: bool
    """Nothing is sent"""
    evidence: Evidence
    deliveries: list[DeliveryBody]


class MomentBody(ExactBody):
    """One moment on the way from a sample to whom it was told."""

    at: Instant
    what: Literal["taken", "accepted", "instant", "decided", "told", "planned", "sent", "failed", "unknown"]
    """taken: the newest sample that decided; accepted: the bus had it; instant: of the evaluation; decided; told: the
    bus had the transition; the others are steps of a delivery"""
    transition: int
    state: State
    """The transition's"""
    receiver: str | None
    channel: str | None
    attempt: int | None
    reason: str | None
    muted_by: list[str]
    """Of a delivery that is held back: by what"""
    muted_until: Instant | None
    """And until when; null while it is"""


class AlertRuleBody(ExactBody):
    """The rule that decided, as of the latest transition."""

    group: str
    name: str
    expr: str
    rule_version: str | None
    group_version: int | None
    now: Literal["same", "changed", "gone"]
    """What has become of it since"""


class AlertDetailBody(ExactBody):
    """One episode of one alert."""

    alert: AlertBody
    """As of its latest transition"""
    rule: AlertRuleBody
    fingerprint: str | None
    """Alertmanager's"""
    transitions: list[TransitionBody]
    timeline: list[MomentBody]
    """All moments in the order in which they happened"""
    source: Literal["history", "bus"]
    """bus: the database can't be reached, and this is what the api has seen of the alert itself"""
    note: str | None
    """What is not in here, and why"""


class AlertStepBody(DeliveryBody):
    """One step of one delivery, of one transition of an alert."""

    event_id: str
    episode: str | None
    """The id of the alert's episode; null: history does not hold its event"""
    transition: int | None


class AlertNotificationsBody(ExactBody):
    """What was sent about an alert, and what was not, and why."""

    alert_id: str
    steps: list[AlertStepBody]
    """The newest first"""
    total: int
    """How many there are"""
