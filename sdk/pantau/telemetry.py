"""What the SDK counts about itself; pushed with the rest."""

import logging

from prometheus_client import CollectorRegistry, Counter, Gauge

log = logging.getLogger("pantau")


class Telemetry:
    """Metrics named `pantau_sdk_*`, and the warnings that go with them, which don't repeat themselves."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sent = Counter("pantau_sdk_sent_total", "What Pantau has taken", ["what"], registry=registry)
        self.waiting = Gauge("pantau_sdk_waiting_bytes", "What waits to be sent", registry=registry)
        self._dropped = Counter(
            "pantau_sdk_dropped_total", "What was given up, by reason", ["what", "reason"], registry=registry
        )
        self._failures = Counter(
            "pantau_sdk_push_failures_total", "Attempts to push that Pantau did not take", registry=registry
        )
        self._errors = Counter(
            "pantau_sdk_errors_total", "What went wrong inside the SDK, by place", ["where"], registry=registry
        )
        self._away: str | None = None
        self._told: set[str] = set()

    def dropped(self, what: str, reason: str, count: int, detail: str = "") -> None:
        """Something was given up. It is logged at the first time for each reason; the metric counts on."""
        self._dropped.labels(what, reason).inc(count)
        about = f"{what} given up: {reason}"
        if about not in self._told:
            self._told.add(about)
            log.warning("%d %s%s; later ones are only counted", count, about, f" ({detail})" if detail else "")

    def away(self, reason: str, waiting: int) -> None:
        """An attempt failed. It is logged when the trouble begins, or becomes another."""
        self._failures.inc()
        if reason != self._away:
            log.warning("can't push to Pantau, which is tried again: %s (%d bytes wait)", reason, waiting)
            self._away = reason

    def back(self) -> None:
        """An attempt succeeded."""
        if self._away is not None:
            log.info("Pantau takes pushes again")
            self._away = None

    def failed(self, where: str, error: BaseException) -> None:
        """Something that should not happen did; the application goes on."""
        self._errors.labels(where).inc()
        if where not in self._told:
            self._told.add(where)
            log.error("the measure of a %s was not taken; later ones are only counted", where, exc_info=error)
