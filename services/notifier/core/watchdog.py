"""Watching the watcher: when the bus or alerting counts as silent, who of several notifiers says so, and how often.

All times are milliseconds of a clock that never jumps; what happens in the world is told by `heard`, and `look`, asked
every second or so, gives what is to be said. Several notifiers decide alike from the same heartbeats:

- alerting is silent: the notifier that is active says so. The others hear the same silence and count it as told, so
  that who takes over meanwhile does not say it again.
- the bus is silent: then nobody knows of the others. The one that was active says so at once, the rest `stagger_ms`
  after each other, unless the bus is back before. So people get one page, and in the worst case one of each notifier,
  under the same id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.messages.message import content_id

Kind = Literal["bus", "alerting", "not_ready"]
"""Nothing is heard at all; no heartbeat of alerting; alerting lives, and says that it does no work."""
# Who was not asked for so long was itself away: stopped, suspended, or its machine at its limits.
AWAY_MS = 10_000


@dataclass(frozen=True, slots=True)
class Rules:
    """When what is said."""

    silent_after_ms: int = 60_000
    not_ready_after_ms: int = 600_000
    startup_grace_ms: int = 120_000
    """Nothing is concluded before; the other services may be starting too."""
    repeat_after_ms: int = 600_000
    """After the first page; doubles with each one."""
    longest_repeat_ms: int = 4 * 3_600_000
    stagger_ms: int = 60_000

    @property
    def back_after_ms(self) -> int:
        """For how long all must be well again before that is said: what comes and goes is one trouble."""
        return self.silent_after_ms // 2


@dataclass(frozen=True, slots=True)
class Page:
    """Something to be said now."""

    id: str
    """The same for every notifier that says it."""
    kind: Kind
    over: bool
    number: int
    """0 for the first of a trouble, then counting up."""
    since_ms: int
    """Since when it is so, by the clock that never jumps."""
    reasons: tuple[str, ...] = ()
    """What alerting says it waits for."""


@dataclass(slots=True)
class _Trouble:
    since_ms: int
    origin: str
    next_ms: int
    pages: int = 0
    own_pages: int = 0
    well_since_ms: int | None = None


@dataclass(slots=True)
class _Heard:
    at_ms: int
    accepted_ms: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class _Times:
    any: _Heard
    alerting: _Heard
    ready: _Heard
    notifiers: dict[str, int] = field(default_factory=dict)


class Watch:
    """What one notifier, `instance`, has heard, and what it has said."""

    def __init__(self, rules: Rules, instance: str, now_ms: int) -> None:
        self._rules, self._instance = rules, instance
        begin = now_ms + max(rules.startup_grace_ms - rules.silent_after_ms, 0)
        ready = now_ms + max(rules.startup_grace_ms - rules.not_ready_after_ms, 0)
        self._times = _Times(_Heard(begin), _Heard(begin), _Heard(ready))
        self._troubles: dict[Kind, _Trouble] = {}
        self._looked_ms = now_ms
        self._heard_alerting = False

    @property
    def troubles(self) -> Mapping[Kind, int]:
        """What is the matter, and since when."""
        return {kind: trouble.since_ms for kind, trouble in self._troubles.items()}

    def heard(self, service: str, instance: str, reasons: tuple[str, ...], accepted_ms: int, now_ms: int) -> None:
        """Take a heartbeat that the bus accepted at `accepted_ms` (its clock); `reasons` is why it isn't ready."""
        self._times.any = _Heard(now_ms, accepted_ms)
        if service == "alerting":
            self._heard_alerting = True
            self._times.alerting = _Heard(now_ms, accepted_ms, reasons)
            if not reasons:
                self._times.ready = _Heard(now_ms, accepted_ms)
        elif service == "notifier":
            self._times.notifiers[instance] = now_ms
            if len(self._times.notifiers) > 1_000:
                del self._times.notifiers[min(self._times.notifiers, key=self._times.notifiers.__getitem__)]

    def is_well(self, now_ms: int) -> bool:
        """Whether the bus and alerting have been heard of lately: an outside service may be told that all is well."""
        alerting = self._times.alerting.at_ms
        return self._heard_alerting and not self._troubles and now_ms - alerting < self._rules.silent_after_ms

    def look(self, now_ms: int, active: bool) -> list[Page]:
        """What this notifier has to say now; `active`: it is the one that delivers."""
        away = now_ms - self._looked_ms
        self._looked_ms = now_ms
        if away > AWAY_MS:
            self._skip(away)
        silent, times = self._rules.silent_after_ms, self._times
        pages: list[Page] = []
        bus_is_silent = now_ms - times.any.at_ms >= silent
        pages += self._judge("bus", bus_is_silent, times.any, now_ms, active)
        if bus_is_silent or "bus" in self._troubles:
            # What is not heard of meanwhile says nothing about alerting: its time starts when the bus is back.
            times.alerting.at_ms = max(times.alerting.at_ms, now_ms)
            times.ready.at_ms = max(times.ready.at_ms, now_ms - self._rules.not_ready_after_ms + silent)
            return pages
        alerting_is_silent = now_ms - times.alerting.at_ms >= silent
        pages += self._judge("alerting", alerting_is_silent, times.alerting, now_ms, active)
        not_ready = not alerting_is_silent and now_ms - times.ready.at_ms >= self._rules.not_ready_after_ms
        return pages + self._judge("not_ready", not_ready, times.ready, now_ms, active)

    def _judge(self, kind: Kind, bad: bool, last: _Heard, now_ms: int, active: bool) -> list[Page]:
        trouble = self._troubles.get(kind)
        if trouble is None:
            if not bad:
                return []
            delay = self._rank(active, now_ms) * self._rules.stagger_ms if kind == "bus" else 0
            trouble = _Trouble(last.at_ms, str(last.accepted_ms), now_ms + delay)
            self._troubles[kind] = trouble
        if bad:
            trouble.well_since_ms = None
            return self._page(kind, trouble, now_ms, active)
        if trouble.well_since_ms is None:
            trouble.well_since_ms = now_ms
        if last.at_ms - trouble.well_since_ms < self._rules.back_after_ms:  # heard of all the while
            return []
        del self._troubles[kind]
        told = trouble.own_pages if kind == "bus" else trouble.pages if self._speaks(active, now_ms) else 0
        return [self._made(kind, trouble, over=True)] if told else []

    def _page(self, kind: Kind, trouble: _Trouble, now_ms: int, active: bool) -> list[Page]:
        if now_ms < trouble.next_ms:
            return []
        page = self._made(kind, trouble, over=False)
        pause = min(self._rules.repeat_after_ms * 2 ** min(trouble.pages, 32), self._rules.longest_repeat_ms)
        trouble.next_ms = now_ms + pause
        trouble.pages += 1
        if kind != "bus" and not self._speaks(active, now_ms):
            return []
        trouble.own_pages += 1
        return [page]

    def _made(self, kind: Kind, trouble: _Trouble, over: bool) -> Page:
        identity = content_id("watchdog", kind, trouble.origin, "over" if over else str(trouble.pages))
        reasons = self._times.alerting.reasons if kind == "not_ready" and not over else ()
        return Page(identity, kind, over, trouble.pages, trouble.since_ms, reasons)

    def _speaks(self, active: bool, now_ms: int) -> bool:
        """Whether it is for this notifier to say what all of them hear: it is active, or there is no other."""
        return active or not any(
            now_ms - at_ms < self._rules.silent_after_ms
            for instance, at_ms in self._times.notifiers.items()
            if instance != self._instance
        )

    def _rank(self, active: bool, now_ms: int) -> int:
        """The place among the notifiers that lived when the bus fell silent."""
        if active:
            return 0
        lived = self._times.any.at_ms - self._rules.silent_after_ms
        others = {name for name, at_ms in self._times.notifiers.items() if at_ms >= lived} - {self._instance}
        return 1 + sum(name < self._instance for name in others) if others else 0

    def _skip(self, away_ms: int) -> None:
        """This program was itself away: what it did not hear then, it could not."""
        for heard in (self._times.any, self._times.alerting, self._times.ready):
            heard.at_ms += away_ms
        for instance in self._times.notifiers:
            self._times.notifiers[instance] += away_ms
