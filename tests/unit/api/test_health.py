"""The latest health results, and what they say together."""

from services.api.core.health import FORGOTTEN_AFTER_MS, HealthView
from shared.messages.health import HealthResult, Status

NOW = 1_700_000_000_000


def result(check: str, status: Status = "healthy", at: int = NOW, valid_for: int = 90_000) -> HealthResult:
    return HealthResult(
        check=check, kind=check, status=status, response_time_ms=1.5, checked_at=at, valid_until=at + valid_for
    )


def test_without_any_result_the_state_is_unknown() -> None:
    assert HealthView().body(NOW).status == "unknown"


def test_the_worst_counts() -> None:
    view = HealthView()
    view.put(result("memory"))
    view.put(result("database", "unhealthy"))
    view.put(result("disk_space", "degraded"))

    body = view.body(NOW)

    assert body.status == "unhealthy"
    assert list(body.checks) == ["database", "disk_space", "memory"]
    assert body.checks["database"].response_time == 1.5


def test_an_old_result_says_nothing_any_more() -> None:
    view = HealthView()
    view.put(result("memory"))
    view.put(result("disk_space", "degraded", valid_for=600_000))

    at_the_end = view.body(NOW + 90_000)

    assert at_the_end.checks["memory"].status == "unknown"
    assert at_the_end.checks["memory"].stale
    assert not at_the_end.checks["disk_space"].stale
    assert at_the_end.status == "unknown", "what is not known may be worse than degraded"
    assert view.body(NOW + 89_999).checks["memory"].status == "healthy"


def test_a_late_older_result_changes_nothing() -> None:
    view = HealthView()
    assert view.put(result("memory", "unhealthy"))
    assert not view.put(result("memory", "healthy", at=NOW - 1))
    assert view.body(NOW).checks["memory"].status == "unhealthy"


def test_a_check_that_was_taken_out_is_forgotten() -> None:
    view = HealthView()
    view.put(result("gone"))
    view.put(result("there", at=NOW + FORGOTTEN_AFTER_MS + 90_000))

    assert set(view.body(NOW + FORGOTTEN_AFTER_MS + 90_001).checks) == {"there"}


def test_one_check_is_that_of_all_until_it_is_forgotten() -> None:
    view = HealthView()
    view.put(result("http:portal", "degraded"))
    assert view.check("http:portal", NOW) == view.body(NOW).checks["http:portal"]
    assert view.check("http", NOW) is None
    stale = view.check("http:portal", NOW + 90_000)
    assert stale is not None
    assert (stale.status, stale.stale) == ("unknown", True)
    assert view.check("http:portal", NOW + 90_001 + FORGOTTEN_AFTER_MS) is None
