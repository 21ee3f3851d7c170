"""What the HTTP API answers: one model per body. Times are RFC 3339 in UTC; null means that there is no such data."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.messages.access import Role
from shared.messages.alerts import Severity
from shared.messages.health import Status
from shared.messages.message import Instant

HealthStatus = Literal["healthy", "degraded", "unhealthy", "unknown"]
AlertStatus = Literal["pending", "firing", "resolved"]
PerformanceMetric = Literal["response_time", "request_rate", "error_rate", "cpu_usage", "memory_usage", "disk_usage"]


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_serialization_defaults_required=True
    )


class Where(Body):
    """One thing that is wrong with a request."""

    where: str
    """The field, e.g. `body[3].labels`, or the place in the text"""
    reason: str


class ProblemBody(Body):
    """An RFC 9457 problem."""

    type: str
    """Identifies the kind of problem"""
    title: str
    status: int
    detail: str
    """What happened and what to do"""
    instance: str
    """Identifies this very occurrence; the log has it too"""
    errors: list[Where] | None = None
    current: dict[str, Any] | None = None
    """What is there now, where a change was about an earlier version of it"""


class Credentials(BaseModel):
    """A login."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class Session(Body):
    """Who is asking."""

    username: str
    """The user's name, or the token's"""
    role: Role
    expires_at: Instant | None
    """null: a token that doesn't expire"""


class CheckBody(Body):
    """One health check."""

    status: HealthStatus
    response_time: float | None
    """Milliseconds"""
    details: dict[str, Any]
    checked_at: Instant
    stale: bool
    """The result is too old to say anything: the status is unknown"""
    found: Status | None = None
    """What the last run found, where damping does not tell it (yet)"""
    depends_on: list[str] = []
    """The checks without which this one can't be healthy"""
    unhealthy_parents: list[str] = []
    """Those among them, and among those that they depend on, that were unhealthy at that moment"""


class HealthBody(Body):
    """The state of everything that is checked."""

    status: HealthStatus
    """The worst of the checks; unknown if there are none"""
    checks: dict[str, CheckBody]
    timestamp: Instant


class InstanceBody(Body):
    """One running program of Pantau, as its last heartbeat tells."""

    service: str
    instance: str
    """host:pid"""
    alive: bool
    """Whether its heartbeats still come"""
    ready: bool
    not_ready: list[str]
    """What it waits for"""
    lag: int
    """Messages of the bus that it has yet to read"""
    version: str
    started_at: Instant
    last_seen: Instant


class ServicesBody(Body):
    """Pantau's own services."""

    instances: list[InstanceBody]
    timestamp: Instant


class SystemBody(Body):
    """The latest reading of one machine."""

    host: str
    cpu_usage: float | None
    """Percent"""
    memory_usage: float | None
    """Percent"""
    memory_total: int | None
    """Bytes"""
    memory_used: int | None
    disk_usage: float | None
    """Percent, of the main disk: the one at `/`, else the largest"""
    disk_total: int | None
    """Bytes"""
    disk_used: int | None
    network_rx: int | None
    """Bytes received since the machine started, all interfaces but the loopback"""
    network_tx: int | None
    load_average: list[float] | None
    """Over 1, 5 and 15 minutes"""
    uptime_seconds: int | None
    process_count: int | None
    snapshot_time: Instant


class ApplicationBody(Body):
    """HTTP traffic over the last five minutes."""

    response_time_ms: float | None
    """Mean"""
    request_rate_per_minute: float | None
    error_rate_percent: float | None
    """Answers with a status of 500 or above"""
    active_connections: int | None


class BusinessBody(Body):
    """The provider's business; null: nobody reports it."""

    daily_revenue: float | None = None
    """Paid since midnight"""
    active_subscriptions: int | None = None
    conversion_rate: float | None = None
    """Percent"""
    customer_growth: float | None = None
    """Customers who joined since midnight"""


class ActiveUsersBody(Body):
    """Subscribers who are online, as the application has them, else as the routers count their sessions."""

    hotspot: int | None = None
    pppoe: int | None = None


class Point(Body):
    """One point of a chart."""

    time: Instant
    value: float | None


class ChartsBody(Body):
    """Recent HTTP traffic, one point a minute."""

    response_times: list[Point]
    """Milliseconds, mean; null in a minute without requests"""
    request_rates: list[Point]
    """Requests a minute"""


class MetricsBody(Body):
    """The overview."""

    timestamp: Instant
    system: SystemBody | None
    """null: no collector has reported in the last five minutes"""
    application: ApplicationBody
    business: BusinessBody
    active_users: ActiveUsersBody
    performance: ChartsBody


class SystemEvent(Body):
    """A new reading, on the live stream."""

    system: SystemBody


class PerformanceBody(Body):
    """One metric over a period; a step without data has the value null."""

    metric: PerformanceMetric
    unit: Literal["ms", "requests/min", "%"]
    period: str
    step_seconds: int
    timestamps: list[Instant]
    """The beginning of each step"""
    values: list[float | None]


class AlertBody(Body):
    """One episode of one alert."""

    id: str
    """The episode's"""
    alert_id: str
    name: str
    """The rule's"""
    group: str
    severity: Severity
    message: str
    status: AlertStatus
    created_at: Instant
    """When it fired; while it is pending, when that began"""
    resolved_at: Instant | None
    value: float | None
    """null: not a finite number, or not known"""
    labels: dict[str, str]
    annotations: dict[str, str]
    expr: str
    shadow: bool = False
    """Its rule is tried out: nothing is sent"""


class MuteBody(Body):
    """Something that keeps an alert from being told."""

    by: str
    """`silence:ID`, `acknowledgement:ID`, `inhibited:ALERT`, `dependency:PARENT`, `suspected:PARENT` (a check or an
    alert; suspected: whether it is down is not known yet), `mute-time:NAME`"""
    name: str
    """Who silenced or acknowledged it; what the other alert, the check or the time interval is called"""
    until: Instant | None
    """null: not known"""
    reason: str
    """Why, in the words of whoever did it"""
    receivers: list[str]
    """Those that are not told; empty: none is told"""


class ListedAlertBody(AlertBody):
    """One episode of one alert, and who looks after it."""

    muted_by: list[MuteBody]
    """What keeps it from being told now; empty where it is over"""


class MutesEvent(Body):
    """What keeps alerts from being told now, on the live stream: of those for which that has changed."""

    alerts: dict[str, list[MuteBody]]
    """By the episode's id; empty: nothing does any more"""


class Accepted(Body):
    """What was pushed is on the bus."""

    accepted: int


class HeartbeatBody(Body):
    """A job that reports when it has run."""

    name: str
    interval_seconds: float
    """How often it is to succeed"""
    grace_seconds: float
    late: bool
    """It should have succeeded by now"""
    last_success: Instant | None
    last_failure: Instant | None
    last_start: Instant | None
    duration_seconds: float | None
    """Of its last run"""
    watched_since: Instant | None
    """null: just started, what was reported before is still being read"""


class HeartbeatsBody(Body):
    """The jobs of the section `heartbeats`."""

    heartbeats: list[HeartbeatBody]
    timestamp: Instant


class Live(Body):
    """The process runs."""

    status: Literal["live"] = "live"


class Ready(Body):
    """Whether requests can be answered."""

    status: Literal["ready", "not ready"]
    missing: dict[str, str]
    """What api waits for before it answers, and why"""
    degraded: dict[str, str]
    """What some answers need and is away, and why; api is ready nevertheless"""
