"""What lies behind something that is down, or may be: by health checks, and by rules between alerts."""

from shared.routing.alert_parents import AlertParents
from shared.routing.check_parents import CheckParents
from shared.routing.dependencies import Dependencies, Labels, is_confirmed


class Parents:
    """What others depend on, and how it is. Whoever begins anew with the alerts may keep what is known of checks."""

    def __init__(self, dependencies: Dependencies, checks: CheckParents | None = None) -> None:
        self.alerts = AlertParents(dependencies)
        self.checks = checks or CheckParents(dependencies)

    @property
    def version(self) -> tuple[int, int]:
        """Another one whenever something that others depend on is up, down or suspected otherwise than before."""
        return self.alerts.version, self.checks.version

    def behind(self, labels: Labels, troubled_ms: int, begins_ms: int, now_ms: int) -> str | None:
        """Because of what an alert can't be well, or may not be: `dependency:PARENT` (an alert or a check), or else
        `suspected:PARENT`; None if there is nothing. `troubled_ms`: since when its rule has had something to say;
        `begins_ms`: when it fired."""
        by_alert = self.alerts.of(labels, begins_ms, now_ms)
        if by_alert is not None and is_confirmed(by_alert):
            return by_alert
        return self.checks.of(labels, troubled_ms, begins_ms, now_ms) or by_alert
