import pytest

from services.health.core.judgments import of_cluster, of_percent


@pytest.mark.parametrize(
    ("percent", "status"),
    [
        (0.0, "healthy"),
        (80.0, "healthy"),
        (80.1, "degraded"),
        (90.0, "degraded"),
        (90.1, "unhealthy"),
        (100.0, "unhealthy"),
    ],
)
def test_over_80_is_degraded_and_over_90_unhealthy(percent: float, status: str) -> None:
    assert of_percent(percent, degraded_above=80.0, unhealthy_above=90.0) == status


@pytest.mark.parametrize(
    ("brokers", "answering", "leaderless", "status"),
    [
        (1, 1, 0, "healthy"),
        (3, 3, 0, "healthy"),
        (3, 2, 0, "degraded"),
        (3, 2, 1, "unhealthy"),
        (3, 3, 1, "unhealthy"),
        (3, 0, 0, "unhealthy"),
        (0, 0, 0, "unhealthy"),
    ],
)
def test_a_cluster(brokers: int, answering: int, leaderless: int, status: str) -> None:
    assert of_cluster(brokers, answering, leaderless) == status
