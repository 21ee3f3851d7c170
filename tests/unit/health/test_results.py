import pytest

from services.health.core.results import samples_of, valid_until_ms
from shared.messages.health import HealthResult, Status

NOW = 1_790_000_000_000


@pytest.mark.parametrize("status", ["healthy", "degraded", "unhealthy"])
def test_a_result_is_a_state_set_and_a_duration(status: Status) -> None:
    result = HealthResult(
        check="database", kind="database", status=status, response_time_ms=250, checked_at=NOW, valid_until=NOW + 1
    )
    samples = samples_of(result)
    assert {sample.time_ms for sample in samples} == {NOW}
    values = {sample.series: sample.value for sample in samples}
    assert values.pop('health_check_duration_seconds{service="database"}') == 0.25
    assert values == {
        f'health_check_status{{service="database",status="{one}"}}': float(one == status)
        for one in ("healthy", "degraded", "unhealthy")
    }


def test_a_result_outlives_two_lost_ones_and_the_deadline_of_the_next() -> None:
    assert valid_until_ms(NOW, interval_seconds=15, deadline_seconds=5) == NOW + 50_000
