"""What counts as healthy, degraded and unhealthy."""

from services.health.core.complaints import Complaint
from shared.messages.health import Status


def of_percent(percent: float, degraded_above: float, unhealthy_above: float) -> Status:
    """How a resource is that is used to `percent`: a threshold itself is still all right."""
    if percent > unhealthy_above:
        return "unhealthy"
    if percent > degraded_above:
        return "degraded"
    return "healthy"


def of_cluster(brokers: int, answering: int, partitions_without_leader: int) -> Status:
    """How a Kafka cluster is: what has no leader takes no messages; a missing broker is a missing reserve."""
    if answering == 0 or partitions_without_leader > 0:
        return "unhealthy"
    return "degraded" if answering < brokers else "healthy"


def of_time(seconds: float, degraded_above: float | None) -> list[Complaint]:
    """What is wrong with an answer that took `seconds`; without a threshold, nothing."""
    if degraded_above is None or seconds <= degraded_above:
        return []
    return [Complaint("degraded", "slow", f"it took {seconds:.3g} s, more than {degraded_above:g} s")]


def of_loss(percent: float, degraded_above: float, unhealthy_above: float) -> list[Complaint]:
    """What is wrong with a path on which `percent` of the echo requests got no reply."""
    status = of_percent(percent, degraded_above, unhealthy_above)
    if status == "healthy":
        return []
    lost = "no reply" if percent >= 100 else f"{percent:g} % of the echo requests got no reply"
    return [Complaint(status, "loss", lost)]
