"""The latest result of each health check, and what they say together."""

from typing import get_args

from services.api.core.bodies import CheckBody, HealthBody, HealthStatus
from shared.messages.health import HealthResult, worst_of
from shared.routing.check_parents import CheckParents
from shared.routing.dependencies import Dependencies

# A check that has been silent for this long is no longer there: somebody took it out of the configuration.
FORGOTTEN_AFTER_MS = 60 * 60 * 1000


class HealthView:
    """From `pantau.health`."""

    def __init__(self, dependencies: Dependencies | None = None) -> None:
        self._latest: dict[str, HealthResult] = {}
        self.parents = CheckParents(dependencies or Dependencies())
        """Which checks depend on which, and how they are."""

    def __len__(self) -> int:
        return len(self._latest)

    def put(self, result: HealthResult) -> bool:
        """Take `result`; whether it is newer than what was known of its check."""
        self.parents.put(result)
        known = self._latest.get(result.check)
        if known is not None and known.checked_at >= result.checked_at:
            return False
        self._latest[result.check] = result
        return True

    def body(self, now_ms: int) -> HealthBody:
        """All checks as of `now_ms`. A result past its `valid_until` says nothing any more."""
        for check, result in list(self._latest.items()):
            if _is_forgotten(result, now_ms):
                del self._latest[check]
        checks = {check: check_body(result, now_ms) for check, result in sorted(self._latest.items())}
        return HealthBody(
            status=_status(worst_of(check.status for check in checks.values())), checks=checks, timestamp=now_ms
        )

    def check(self, name: str, now_ms: int) -> CheckBody | None:
        """One check as of `now_ms`; None if there is none of that name."""
        result = self._latest.get(name)
        return None if result is None or _is_forgotten(result, now_ms) else check_body(result, now_ms)


def check_body(result: HealthResult, now_ms: int) -> CheckBody:
    """One check as of `now_ms`."""
    stale = result.valid_until <= now_ms
    return CheckBody(
        status="unknown" if stale else result.status,
        response_time=result.response_time_ms,
        details=result.details,
        checked_at=result.checked_at,
        stale=stale,
        found=result.found,
        depends_on=result.depends_on,
        unhealthy_parents=result.unhealthy_parents,
    )


def _is_forgotten(result: HealthResult, now_ms: int) -> bool:
    return result.valid_until + FORGOTTEN_AFTER_MS < now_ms


def _status(text: str) -> HealthStatus:
    known: tuple[HealthStatus, ...] = get_args(HealthStatus)
    return next(status for status in known if status == text)
