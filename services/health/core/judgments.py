"""What counts as healthy, degraded and unhealthy."""

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
