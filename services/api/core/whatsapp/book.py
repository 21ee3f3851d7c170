"""What many webhooks of one gateway come to: counters, latencies, delivery rates.

Each receipt counts once: messages are remembered by their id for `window_ms`, and what happened longer ago than that,
or before what had to be forgotten for want of room, is not counted. So a webhook that is sent again changes nothing.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Literal

from services.api.core.whatsapp.cohorts import Cohorts
from services.api.core.whatsapp.events import UNKNOWN, Event, Receipt, SessionChange
from shared.histogram import Histogram
from shared.messages.samples import Sample
from shared.whatsapp import metrics as m

Outcome = Literal["counted", "repeated", "ignored", "too_old", "invalid"]
OUTCOMES: tuple[Outcome, ...] = ("counted", "repeated", "ignored", "too_old", "invalid")

# Each implies those before it: a message that was read was delivered, also where nobody said so.
STEPS = ("sent", "delivered", "read", "played")
TIMED = ("sent", "delivered", "read")
BOUNDS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0)
# How far gateways' clocks may be ahead of ours.
FUTURE_MS = 10 * 60 * 1000
MOST_KINDS, MOST_SESSIONS = 30, 200
OTHER = "other"


@dataclass(slots=True)
class Remembered:
    """A message."""

    touched_ms: int
    kind: str = UNKNOWN
    began_ms: int | None = None
    """When it was sent, as far as that is known."""
    delivered_ms: int | None = None
    steps: int = 0
    """How many of STEPS it has come."""
    failed: bool = False
    settled: bool = False
    """Whether its cohort knows that it was delivered."""


class Book:
    """Of one gateway, kept by one api."""

    def __init__(self, gateway: str, instance: str, window_ms: int, most_messages: int) -> None:
        self._labels = {"gateway": gateway, "instance": instance}
        self._window_ms, self._most = window_ms, most_messages
        self._messages: OrderedDict[str, Remembered] = OrderedDict()
        self._forgotten_ms = 0
        """What happened up to then may have been counted and forgotten."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._kinds: set[str] = set()
        self._sessions: dict[str, tuple[int, str]] = {}
        self._changes: Counter[tuple[str, str]] = Counter()
        self._outcomes: Counter[Outcome] = Counter(dict.fromkeys(OUTCOMES, 0))
        self._latency = Histogram(m.ACK_LATENCY, BOUNDS)
        self._cohorts = Cohorts()

    def put(self, events: list[Event], now_ms: int) -> None:
        """Count what one webhook said; nothing: it was of no interest."""
        if not events:
            self._outcomes["ignored"] += 1
        for event in events:
            self._outcomes[self._outcome(event, now_ms)] += 1
        self._forget(now_ms)

    def refused(self) -> None:
        """A webhook with a good signature said what can't be."""
        self._outcomes["invalid"] += 1

    def samples(self, now_ms: int) -> list[Sample]:
        """All that is known."""
        made = [
            m.MESSAGES.sample(now_ms, count, type=kind, status=status, **self._labels)
            for (kind, status), count in sorted(self._counts.items())
        ]
        for rate in self._cohorts.rates(now_ms):
            made.append(m.COHORT_SIZE.sample(now_ms, rate.messages, cohort=rate.cohort, **self._labels))
            if rate.percent is not None:
                made.append(m.DELIVERY_RATE.sample(now_ms, rate.percent, cohort=rate.cohort, **self._labels))
        made += [
            m.SESSION_CHANGES.sample(now_ms, count, session=session, status=status, **self._labels)
            for (session, status), count in sorted(self._changes.items())
        ]
        made += [
            m.RECEIPTS.sample(now_ms, self._outcomes[outcome], outcome=outcome, **self._labels) for outcome in OUTCOMES
        ]
        return made + self._latency.samples(now_ms)

    def _outcome(self, event: Event, now_ms: int) -> Outcome:
        if event.at_ms > now_ms + FUTURE_MS:
            return "invalid"
        if event.at_ms <= max(now_ms - self._window_ms, self._forgotten_ms):
            return "too_old"
        news = self._changed(event) if isinstance(event, SessionChange) else self._received(event, now_ms)
        return "counted" if news else "repeated"

    def _changed(self, change: SessionChange) -> bool:
        name = change.session if change.session in self._sessions or len(self._sessions) < MOST_SESSIONS else OTHER
        at_ms, status = self._sessions.get(name, (0, ""))
        if change.at_ms <= at_ms or change.status == status:  # WAHA tells SCAN_QR_CODE again with each new code
            return False
        self._sessions[name] = change.at_ms, change.status
        self._changes[name, change.status] += 1
        return True

    def _received(self, receipt: Receipt, now_ms: int) -> bool:
        message = self._messages.setdefault(receipt.message, Remembered(now_ms))
        message.touched_ms = now_ms
        self._messages.move_to_end(receipt.message)
        if message.kind == UNKNOWN:
            message.kind = self._kind(receipt.kind)
        if receipt.status in ("pending", "sent", "failed") and message.began_ms is None:
            message.began_ms = receipt.at_ms
            self._cohorts.sent(receipt.at_ms)
            news = True
        else:
            news = False
        if receipt.status == "failed":
            news |= self._fail(message)
        elif receipt.status != "pending":
            news |= self._advance(message, receipt)
        self._settle(message)
        return news

    def _fail(self, message: Remembered) -> bool:
        if message.failed or message.delivered_ms is not None:
            return False
        message.failed = True
        self._counts[message.kind, "failed"] += 1
        return True

    def _advance(self, message: Remembered, receipt: Receipt) -> bool:
        steps = STEPS.index(receipt.status) + 1
        if steps <= message.steps:
            return False
        for step in STEPS[message.steps : steps]:
            self._counts[message.kind, step] += 1
        message.steps = steps
        if steps > 1 and message.delivered_ms is None:
            message.delivered_ms = receipt.at_ms
        if message.began_ms is not None and receipt.status in TIMED and receipt.at_ms > message.began_ms:
            seconds = (receipt.at_ms - message.began_ms) / 1000
            self._latency.observe(seconds, status=receipt.status, **self._labels)
        return True

    def _settle(self, message: Remembered) -> None:
        if message.settled or message.began_ms is None or message.delivered_ms is None:
            return
        message.settled = True
        self._cohorts.delivered(message.began_ms, max(0, message.delivered_ms - message.began_ms))

    def _kind(self, kind: str) -> str:
        if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
            return OTHER
        self._kinds.add(kind)
        return kind

    def _forget(self, now_ms: int) -> None:
        while self._messages:
            oldest = next(iter(self._messages.values()))
            over = len(self._messages) > self._most
            if not over and oldest.touched_ms + self._window_ms + FUTURE_MS >= now_ms:
                return
            if over:
                self._forgotten_ms = max(self._forgotten_ms, oldest.touched_ms)
            self._messages.popitem(last=False)
