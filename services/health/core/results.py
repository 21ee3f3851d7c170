"""What is said about one run of a check: its result, and the samples that rules watch."""

from shared.messages.health import STATUSES, HealthResult, Status
from shared.messages.samples import Sample
from shared.metrics import Metric

STATUS = Metric(
    "health_check_status",
    "gauge",
    "",
    "State set: 1 for the status that is told of the check, 0 for the others",
    ("service", "status"),
)
DURATION = Metric("health_check_duration_seconds", "gauge", "seconds", "How long the check took", ("service",))
STATUS_CHANGES = Metric(
    "health_check_status_changes_total", "counter", "", "How often the status that is told has changed", ("service",)
)
FOUND_CHANGES = Metric(
    "health_check_found_changes_total",
    "counter",
    "",
    "How often what the check found has changed, also where damping told nobody",
    ("service",),
)
DEPENDS_ON = Metric(
    "health_check_depends_on",
    "gauge",
    "",
    "1 for each check (parent) without which this one can't be well, as configured",
    ("service", "parent"),
)
PARENT_UNHEALTHY = Metric(
    "health_check_parent_unhealthy",
    "gauge",
    "",
    "1 while a check that this one depends on, also through others, is unhealthy, else 0; only of checks that depend",
    ("service",),
)
METRICS = (STATUS, DURATION, STATUS_CHANGES, FOUND_CHANGES, DEPENDS_ON, PARENT_UNHEALTHY)

HTTP_STATUS = Metric(
    "health_check_http_status_code", "gauge", "", "Status of the last HTTP answer, after redirects", ("service",)
)
CERTIFICATE_EXPIRY = Metric(
    "health_check_certificate_expiry_timestamp_seconds",
    "gauge",
    "seconds",
    "When the server's certificate runs out, since 1970",
    ("service",),
)
LOSS = Metric("health_check_packet_loss_percent", "gauge", "percent", "Echo requests that got no reply", ("service",))
ROUND_TRIP = Metric(
    "health_check_round_trip_seconds", "gauge", "seconds", "Mean time from echo request to reply", ("service",)
)
FIGURES = (HTTP_STATUS, CERTIFICATE_EXPIRY, LOSS, ROUND_TRIP)
_FIGURES = {metric.name: metric for metric in FIGURES}

# A result outlives two runs that are lost, so that one slow message makes nothing unknown.
INTERVALS_VALID = 3


def valid_until_ms(checked_at_ms: int, interval_seconds: float, deadline_seconds: float) -> int:
    """From when on a result without a successor says nothing any more."""
    return checked_at_ms + round(1000 * (INTERVALS_VALID * interval_seconds + deadline_seconds))


def samples_of(result: HealthResult) -> list[Sample]:
    """All that one run says, at its time. ValueError for a figure that none of FIGURES describes."""
    at, service = result.checked_at, result.check
    unknown = result.figures.keys() - _FIGURES.keys()
    if unknown:
        raise ValueError(f"check {service} has figures that are no metrics: {', '.join(sorted(unknown))}")
    return [
        *(STATUS.sample(at, status == result.status, service=service, status=status) for status in STATUSES),
        DURATION.sample(at, result.response_time_ms / 1000, service=service),
        STATUS_CHANGES.sample(at, result.status_changes, service=service),
        FOUND_CHANGES.sample(at, result.found_changes, service=service),
        *(DEPENDS_ON.sample(at, 1, service=service, parent=parent) for parent in result.depends_on),
        *([PARENT_UNHEALTHY.sample(at, bool(result.unhealthy_parents), service=service)] if result.depends_on else []),
        *(_FIGURES[name].sample(at, value, service=service) for name, value in result.figures.items()),
    ]


def worse(one: Status, other: Status) -> Status:
    """The worse of two statuses."""
    return max(one, other, key=STATUSES.index)
