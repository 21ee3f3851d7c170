"""Alerts pushed to Alertmanagers: two topics in, what is due out, to each Alertmanager through a queue of its own."""

import asyncio
from collections.abc import Sequence

import structlog

from services.notifier import metrics
from services.notifier.alertmanager import Alertmanager
from services.notifier.alertmanager_settings import AlertmanagerSettings
from services.notifier.core.postable import Outside
from services.notifier.core.resending import Resending, ResendRules
from shared import clock
from shared.bus import Follower, Producer, Received
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE
from shared.service import Readiness

log = structlog.get_logger()

CONSUMER = "notifier"
# Between the broker's clock and ours.
MARGIN_MS = 60_000
LONGEST_WAIT_SECONDS = 1.0


class Alertmanagers:
    """Follows what fires and what ends, and tells all of `alertmanagers` when it is due."""

    def __init__(
        self,
        bootstrap: str,
        producer: Producer,
        readiness: Readiness,
        alertmanagers: Sequence[AlertmanagerSettings],
        outside: Outside,
        rules: ResendRules,
        capacity: int,
        batch_size: int,
    ) -> None:
        self._readiness, self._resending = readiness, Resending(rules)
        self._changed = asyncio.Event()
        self._targets = [Alertmanager(one, outside, capacity, batch_size, self._changed.set) for one in alertmanagers]
        since_ms = clock.now_ms() - rules.resolved_retention_ms - MARGIN_MS
        self._state = Follower(bootstrap, CONSUMER, [ALERT_STATE], producer, self._apply_state, "beginning")
        self._events = Follower(bootstrap, CONSUMER, [ALERT_EVENTS], producer, self._apply_event, since_ms)
        metrics.ALERTMANAGER_ALERTS.labels("firing").set_function(lambda: self._resending.firing)
        metrics.ALERTMANAGER_ALERTS.labels("resolved").set_function(lambda: self._resending.resolved)

    async def run(self, drain_seconds: float) -> None:
        """Until cancelled; then what is queued gets `drain_seconds`."""
        senders = [asyncio.create_task(one.run()) for one in self._targets]
        work = [asyncio.create_task(one) for one in (self._state.run(), self._events.run(), self._sweep())]
        try:
            await asyncio.wait([*senders, *work], return_when=asyncio.FIRST_COMPLETED)
            for task in (*senders, *work):
                if task.done():
                    task.result()  # none ends but by a fault of ours
        except asyncio.CancelledError:
            for task in work:
                task.cancel()
            await asyncio.gather(*(one.drain(drain_seconds) for one in self._targets))
            raise
        finally:
            for task in (*senders, *work):
                task.cancel()
            await asyncio.gather(*senders, *work, return_exceptions=True)

    async def _sweep(self) -> None:
        """Queue what is due, once all is known that fires."""
        self._readiness.missing("alert state", "still being read from the bus")
        await self._state.caught_up.wait()
        await self._events.caught_up.wait()
        self._readiness.there("alert state")
        log.info(
            "alerts are pushed",
            alertmanagers=[one.name for one in self._targets],
            firing=self._resending.firing,
            resolved=self._resending.resolved,
        )
        while True:
            self._changed.clear()
            self._queue_due()
            try:
                async with asyncio.timeout(self._wait_seconds()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _queue_due(self) -> None:
        # What nobody has room for stays due, in its latest form; one that is slower than another drops its oldest.
        room = max(one.room for one in self._targets)
        pushes = self._resending.due(clock.now_ms(), room)
        for one in self._targets:
            one.add(pushes)

    def _wait_seconds(self) -> float:
        wait_ms = self._resending.wait_ms(clock.now_ms())
        if wait_ms is None or not any(one.room > 0 for one in self._targets):
            return LONGEST_WAIT_SECONDS
        return min(wait_ms / 1000, LONGEST_WAIT_SECONDS)

    def _apply_state(self, received: Received) -> None:
        self._resending.put_state(received.key, received.message)
        self._changed.set()

    def _apply_event(self, received: Received) -> None:
        self._resending.put_event(received.message, received.accepted_ms)
        self._changed.set()
