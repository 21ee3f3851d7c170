"""The watchdog: hears the heartbeats, and tells people past the bus when they stop."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from prometheus_client import Gauge

from services.notifier.core.watchdog import Page, Rules, Watch
from services.notifier.core.watchdog_notice import RULES, notice
from services.notifier.direct import Direct, Target
from shared import clock
from shared.bus import Follower, Producer, Received
from shared.messages.heartbeats import Heartbeat
from shared.messages.topics import HEARTBEATS
from shared.promql.durations import parse_duration
from shared.routing.people import Language
from shared.routing.watchdog_settings import WatchdogSettings

log = structlog.get_logger()

TROUBLE = Gauge(
    "pantau_watchdog_trouble", "1 while it is so: bus silent, alerting silent, alerting not ready", ["kind"]
)
LOOK_SECONDS = 1.0


def rules(settings: WatchdogSettings) -> Rules:
    """The settings as the core wants them."""
    return Rules(
        silent_after_ms=parse_duration(settings.silent_after),
        not_ready_after_ms=parse_duration(settings.not_ready_after),
        startup_grace_ms=parse_duration(settings.startup_grace),
        repeat_after_ms=parse_duration(settings.repeat_interval),
        stagger_ms=parse_duration(settings.stagger),
    )


class Watchdog:
    """Watches for one notifier."""

    def __init__(
        self,
        settings: WatchdogSettings,
        instance: str,
        bootstrap: str,
        producer: Producer,
        targets: Callable[[], Sequence[Target]],
        active: Callable[[], bool],
        language: Language,
    ) -> None:
        """`targets`: who is told now; `active`: whether this notifier is the one that delivers."""
        self._targets, self._active, self._language = targets, active, language
        self._watch = Watch(rules(settings), instance, _elapsed_ms())
        self._follower = Follower(bootstrap, "notifier", [HEARTBEATS], producer, self._hear, start="end")
        self._direct = Direct()

    @property
    def is_well(self) -> bool:
        """Whether the bus and alerting have been heard of lately."""
        return self._watch.is_well(_elapsed_ms())

    async def run(self) -> None:
        """Until cancelled; needs no bus."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follower.run())
                while True:
                    for page in self._watch.look(_elapsed_ms(), self._active()):
                        self._say(page)
                    for kind in RULES:
                        TROUBLE.labels(kind).set(kind in self._watch.troubles)
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._direct.stop()

    def _hear(self, received: Received) -> None:
        beat: Heartbeat = received.message
        reasons = () if beat.ready else tuple(beat.not_ready) or ("not ready",)
        self._watch.heard(beat.service, beat.instance, reasons, received.accepted_ms, _elapsed_ms())

    def _say(self, page: Page) -> None:
        subject = RULES[page.kind]
        log.error("watchdog", subject=subject, over=page.over, reasons=page.reasons, number=page.number)
        if page.over:
            targets: Sequence[Target] = self._direct.told(subject)
            self._direct.forget(subject)
        else:
            self._direct.forget(f"{subject} over")
            targets = self._targets()
            if not targets:
                log.error("there is nobody to tell", subject=subject)
        now_ms = clock.now_ms()
        since_ms = now_ms - (_elapsed_ms() - page.since_ms)
        for one in targets:
            told = notice(page, since_ms, now_ms, one.receiver, one.recipient, self._language)
            self._direct.tell(f"{subject} over" if page.over else subject, one, told)


def _elapsed_ms() -> int:
    return round(clock.elapsed() * 1000)
