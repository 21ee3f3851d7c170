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
    assert {values.pop(f'health_check_{one}_changes_total{{service="database"}}') for one in ("status", "found")} == {
        0.0
    }
    assert values == {
        f'health_check_status{{service="database",status="{one}"}}': float(one == status)
        for one in ("healthy", "degraded", "unhealthy")
    }


def test_a_result_outlives_two_lost_ones_and_the_deadline_of_the_next() -> None:
    assert valid_until_ms(NOW, interval_seconds=15, deadline_seconds=5) == NOW + 50_000


def test_dependencies_changes_and_figures_are_samples_too() -> None:
    result = HealthResult(
        check="http:portal",
        kind="http",
        status="unhealthy",
        response_time_ms=1,
        checked_at=NOW,
        valid_until=NOW + 1,
        depends_on=["icmp:gw", "mikrotik:core-1"],
        unhealthy_parents=["mikrotik:core-1"],
        status_changes=3,
        found_changes=7,
        figures={"health_check_http_status_code": 502},
    )
    values = {sample.series: sample.value for sample in samples_of(result)}
    assert values['health_check_depends_on{parent="icmp:gw",service="http:portal"}'] == 1
    assert values['health_check_depends_on{parent="mikrotik:core-1",service="http:portal"}'] == 1
    assert values['health_check_parent_unhealthy{service="http:portal"}'] == 1
    assert values['health_check_status_changes_total{service="http:portal"}'] == 3
    assert values['health_check_found_changes_total{service="http:portal"}'] == 7
    assert values['health_check_http_status_code{service="http:portal"}'] == 502


def test_a_parent_that_is_well_is_said_to_be() -> None:
    result = HealthResult(
        check="a", kind="a", status="healthy", response_time_ms=1, checked_at=NOW, valid_until=NOW + 1, depends_on=["b"]
    )
    assert {one.series: one.value for one in samples_of(result)}['health_check_parent_unhealthy{service="a"}'] == 0


def test_a_figure_that_no_metric_describes_is_refused() -> None:
    result = HealthResult(
        check="a", kind="a", status="healthy", response_time_ms=1, checked_at=NOW, valid_until=NOW, figures={"speed": 1}
    )
    with pytest.raises(ValueError, match="speed"):
        samples_of(result)
