"""The catalogue of topics, as data: what each carries, who writes and reads it, how Kafka keeps it."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from shared.messages.access import Access
from shared.messages.alerts import AlertEvent, CurrentAlert
from shared.messages.audit import AuditEntry
from shared.messages.dead_letters import DeadLetter
from shared.messages.health import HealthRequest, HealthResult
from shared.messages.heartbeats import Heartbeat
from shared.messages.notification_requests import NotificationRequest
from shared.messages.notifications import Notification
from shared.messages.requests import RequestLogBatch
from shared.messages.rules import GroupStatus, RuleGroup
from shared.messages.samples import SampleBatch
from shared.messages.silences import Silence

DAY_MS = 24 * 60 * 60 * 1000


class Encodable(Protocol):
    """A message that can go on the bus."""

    def encode(self) -> bytes: ...


class Decoder(Protocol):
    """A message type; `decode` raises BadMessage."""

    def decode(self, payload: bytes, /) -> object: ...


@dataclass(frozen=True)
class Topic:
    """One topic. `config` is what the broker is told beside clean-up and retention."""

    name: str
    key: str
    """What the message key is."""
    message: Decoder
    description: str
    cleanup: Literal["delete", "compact"]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: int = 1
    retention_ms: int | None = None
    content_type: Literal["application/json", "application/vnd.msgpack"] = "application/json"
    config: dict[str, str] = field(default_factory=dict)

    @property
    def ce_type(self) -> str:
        """The CloudEvents `type` of its messages."""
        return self.name

    def broker_config(self) -> dict[str, str]:
        """The topic settings that the broker is to hold."""
        config = {
            "cleanup.policy": self.cleanup,
            # The broker's clock says when it accepted a message: one clock, rising within a partition.
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(2 * 1024 * 1024),
        }
        if self.retention_ms is not None:
            config["retention.ms"] = str(self.retention_ms)
        if self.cleanup == "compact":
            # History, away for up to a week, still sees every version.
            config["min.compaction.lag.ms"] = str(7 * DAY_MS)
            config["delete.retention.ms"] = str(7 * DAY_MS)
        return config | self.config


SAMPLES = Topic(
    "pantau.samples",
    key="source, or a shard of a large source; one series has always the same key",
    message=SampleBatch,
    description="Samples from the world and from recording rules, many per message",
    cleanup="delete",
    retention_ms=3 * DAY_MS,
    partitions=4,
    producers=("collector", "health", "alerting", "api"),
    consumers=("history", "alerting", "api", "collector", "health"),
    content_type="application/vnd.msgpack",
)
HEALTH = Topic(
    "pantau.health",
    key="check",
    message=HealthResult,
    description="Outcomes of health checks",
    cleanup="delete",
    retention_ms=7 * DAY_MS,
    producers=("health",),
    consumers=("history", "api", "notifier"),
)
HEALTH_REQUESTS = Topic(
    "pantau.health.requests",
    key="check",
    message=HealthRequest,
    description="Requests to run a health check now",
    cleanup="delete",
    # Nobody waits for longer than a minute; the rest is there to see who asked.
    retention_ms=DAY_MS,
    producers=("api", "notifier"),
    consumers=("health",),
)
REQUESTS = Topic(
    "pantau.requests",
    key="route",
    message=RequestLogBatch,
    description="Request logs of monitored applications, in batches",
    cleanup="delete",
    retention_ms=3 * DAY_MS,
    partitions=4,
    producers=("api",),
    consumers=("history",),
)
ALERT_EVENTS = Topic(
    "pantau.alerts.events",
    key="alert id",
    message=AlertEvent,
    description="Every transition of every alert, in one order for everybody",
    cleanup="delete",
    retention_ms=30 * DAY_MS,
    producers=("alerting",),
    consumers=("notifier", "history", "api", "anyone"),
)
ALERT_STATE = Topic(
    "pantau.alerts.state",
    key="alert id",
    message=CurrentAlert,
    description="The alerts that are active now; a tombstone says that one is over",
    cleanup="compact",
    producers=("alerting",),
    consumers=("api", "notifier", "anyone"),
)
RULES = Topic(
    "pantau.rules",
    key="rule group",
    message=RuleGroup,
    description="The rule groups in force, with their versions",
    cleanup="compact",
    producers=("api",),
    consumers=("alerting", "api", "history"),
)
RULES_STATUS = Topic(
    "pantau.rules.status",
    key="rule group",
    message=GroupStatus,
    description="How the evaluation of each rule group goes: filling, active or refused, and the rules that fail",
    cleanup="compact",
    producers=("alerting",),
    consumers=("api", "anyone"),
    # Only the latest word counts, and each group says it every half minute.
    config={"min.compaction.lag.ms": "0", "segment.ms": "3600000"},
)
SILENCES = Topic(
    "pantau.silences",
    key="id",
    message=Silence,
    description="Silences and acknowledgements",
    cleanup="compact",
    producers=("api",),
    consumers=("notifier", "api", "history"),
)
ACCESS = Topic(
    "pantau.access",
    key="token or recipient id",
    message=Access,
    description="Hashes of tokens and sessions with role and expiry; recipients of notifications",
    cleanup="compact",
    producers=("api", "collector"),
    consumers=("api", "collector", "notifier"),
)
NOTIFICATIONS = Topic(
    "pantau.notifications",
    key="notification id",
    message=Notification,
    description="The ledger of deliveries: planned, sent, failed, unknown",
    cleanup="delete",
    retention_ms=30 * DAY_MS,
    producers=("notifier",),
    consumers=("history", "api", "notifier"),
)
NOTIFICATION_REQUESTS = Topic(
    "pantau.notifications.requests",
    key="receiver",
    message=NotificationRequest,
    description="Requests to try a receiver",
    cleanup="delete",
    # Nobody waits for longer than a minute; the rest is there to see who asked.
    retention_ms=DAY_MS,
    producers=("api",),
    consumers=("notifier",),
)
HEARTBEATS = Topic(
    "pantau.heartbeats",
    key="service/instance",
    message=Heartbeat,
    description="Signs of life of each service instance",
    cleanup="delete",
    retention_ms=DAY_MS,
    producers=("collector", "health", "alerting", "history", "notifier", "api"),
    consumers=("notifier", "api", "alerting"),
)
AUDIT = Topic(
    "pantau.audit",
    key="subject",
    message=AuditEntry,
    description="Who changed what",
    cleanup="delete",
    retention_ms=30 * DAY_MS,
    producers=("api",),
    consumers=("history",),
)
DEAD_LETTERS = Topic(
    "pantau.dead-letters",
    key="original key",
    message=DeadLetter,
    description="Messages that a consumer could not process, with the reason",
    cleanup="delete",
    retention_ms=30 * DAY_MS,
    producers=("collector", "health", "alerting", "history", "notifier", "api"),
    consumers=("people",),
)

TOPICS: tuple[Topic, ...] = (
    SAMPLES,
    HEALTH,
    HEALTH_REQUESTS,
    REQUESTS,
    ALERT_EVENTS,
    ALERT_STATE,
    RULES,
    RULES_STATUS,
    SILENCES,
    ACCESS,
    NOTIFICATIONS,
    NOTIFICATION_REQUESTS,
    HEARTBEATS,
    AUDIT,
    DEAD_LETTERS,
)


@dataclass(frozen=True)
class Opaque:
    """A payload that only its own program can read."""

    payload: bytes

    def encode(self) -> bytes:
        """The bytes themselves."""
        return self.payload

    @classmethod
    def decode(cls, payload: bytes, /) -> "Opaque":
        """Any bytes."""
        return cls(payload)


# Alerting's own: made by `./pantau migrate` like the others, but no contract for anybody.
ALERTING_INPUTS = Topic(
    "pantau.alerting.log",
    key="rule group; empty for markers",
    message=Opaque,
    description="The ordered log of each rule group: rule changes, samples that its rules select, markers of time",
    cleanup="delete",
    retention_ms=3 * DAY_MS,
    partitions=4,
    producers=("alerting",),
    consumers=("alerting",),
    content_type="application/vnd.msgpack",
)
ALERTING_SNAPSHOTS = Topic(
    "pantau.alerting-snapshots-changelog",
    key="partition, then manifest or chunk",
    message=Opaque,
    description="Snapshots of the fold over each partition of the inputs: the changelog of a Faust table",
    cleanup="compact",
    partitions=ALERTING_INPUTS.partitions,
    producers=("alerting",),
    consumers=("alerting",),
    content_type="application/vnd.msgpack",
    # A chunk lives for seconds: short segments and eager compaction leave little more than the live ones to recover.
    config={
        "segment.bytes": str(16 * 1024 * 1024),
        "segment.ms": "60000",
        "min.cleanable.dirty.ratio": "0.1",
        "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": "120000",
        "delete.retention.ms": "600000",
    },
)
ALERTING_ROUTING = Topic(
    "pantau.alerting.routing",
    key="format of the state, then partition of pantau.samples, or history and rule group",
    message=Opaque,
    description="Up to which revision of the rules each samples partition has been routed and back-filled",
    cleanup="compact",
    producers=("alerting",),
    consumers=("alerting",),
    config={"min.compaction.lag.ms": "0", "segment.ms": "3600000"},
)
INTERNAL_TOPICS: tuple[Topic, ...] = (ALERTING_INPUTS, ALERTING_SNAPSHOTS, ALERTING_ROUTING)

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in (*TOPICS, *INTERNAL_TOPICS)}
