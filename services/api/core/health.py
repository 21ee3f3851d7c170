"""The latest result of each health check, and what they say together."""

from typing import get_args

from services.api.core.bodies import CheckBody, HealthBody, HealthStatus
from shared.messages.health import HealthResult, worst_of

# A check that has been silent for this long is no longer there: somebody took it out of the configuration.
FORGOTTEN_AFTER_MS = 60 * 60 * 1000


class HealthView:
    """From `pantau.health`."""

    def __init__(self) -> None:
        self._latest: dict[str, HealthResult] = {}

    def put(self, result: HealthResult) -> bool:
        """Take `result`; whether it is newer than what was known of its check."""
        known = self._latest.get(result.check)
        if known is not None and known.checked_at >= result.checked_at:
            return False
        self._latest[result.check] = result
        return True

    def body(self, now_ms: int) -> HealthBody:
        """All checks as of `now_ms`. A result past its `valid_until` says nothing any more."""
        for check, result in list(self._latest.items()):
            if result.valid_until + FORGOTTEN_AFTER_MS < now_ms:
                del self._latest[check]
        checks = {check: _check(result, now_ms) for check, result in sorted(self._latest.items())}
        return HealthBody(
            status=_status(worst_of(check.status for check in checks.values())), checks=checks, timestamp=now_ms
        )


def _check(result: HealthResult, now_ms: int) -> CheckBody:
    stale = result.valid_until <= now_ms
    return CheckBody(
        status="unknown" if stale else result.status,
        response_time=result.response_time_ms,
        details=result.details,
        checked_at=result.checked_at,
        stale=stale,
    )


def _status(text: str) -> HealthStatus:
    known: tuple[HealthStatus, ...] = get_args(HealthStatus)
    return next(status for status in known if status == text)
