"""What is said about one run of a check: its result, and the samples that rules watch."""

from shared.messages.health import STATUSES, HealthResult, Status
from shared.messages.samples import Sample
from shared.metrics import Metric

STATUS = Metric(
    "health_check_status",
    "gauge",
    "",
    "State set: 1 for the status that the check found, 0 for the others",
    ("service", "status"),
)
DURATION = Metric("health_check_duration_seconds", "gauge", "seconds", "How long the check took", ("service",))
METRICS = (STATUS, DURATION)

# A result outlives two runs that are lost, so that one slow message makes nothing unknown.
INTERVALS_VALID = 3


def valid_until_ms(checked_at_ms: int, interval_seconds: float, deadline_seconds: float) -> int:
    """From when on a result without a successor says nothing any more."""
    return checked_at_ms + round(1000 * (INTERVALS_VALID * interval_seconds + deadline_seconds))


def samples_of(result: HealthResult) -> list[Sample]:
    """The state set and the duration of one run, at its time."""
    return [
        *(
            STATUS.sample(result.checked_at, status == result.status, service=result.check, status=status)
            for status in STATUSES
        ),
        DURATION.sample(result.checked_at, result.response_time_ms / 1000, service=result.check),
    ]


def worse(one: Status, other: Status) -> Status:
    """The worse of two statuses."""
    return max(one, other, key=STATUSES.index)
