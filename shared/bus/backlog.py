"""What a service has to say while the bus is away: kept in order with its own time, and sent when it is back."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge

from shared.bus.producer import BusUnavailable, MessageRefused, Outgoing, Producer

log = structlog.get_logger()

WAITING = Gauge("pantau_backlog_messages", "Messages kept until the bus takes them")
WAITING_BYTES = Gauge("pantau_backlog_bytes", "Size of the messages kept until the bus takes them")
DROPPED = Counter("pantau_backlog_dropped_total", "Messages that were never sent, by reason", ["topic", "reason"])

MOST_AT_ONCE = 500
PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class _Kept:
    number: int
    message: Outgoing
    since_ms: int
    size: int


class Backlog:
    """Messages on their way to the bus: in order, bounded by age and by size, the oldest dropped first.

    `bus_is(reason)` is told why the bus doesn't take messages, and None when it does again.
    """

    def __init__(
        self,
        producer: Producer,
        longest_ms: int,
        most_bytes: int,
        bus_is: Callable[[str | None], None] = lambda _: None,
        attempt_seconds: float = 15.0,
    ) -> None:
        self._producer, self._bus_is, self._attempt_seconds = producer, bus_is, attempt_seconds
        self._longest_ms, self._most_bytes = longest_ms, most_bytes
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self._count = 0
        self._something = asyncio.Event()

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, messages: Sequence[Outgoing], now_ms: int) -> None:
        """Keep `messages` until they are sent. Never waits; may push the oldest out."""
        for message in messages:
            size = len(message.message.encode()) if message.message is not None else 0
            self._count += 1
            self._kept.append(_Kept(self._count, message, now_ms, size))
            self._bytes += size
        while self._kept and now_ms - self._kept[0].since_ms > self._longest_ms:
            self._drop("too_old")
        while self._kept and self._bytes > self._most_bytes:
            self._drop("no_room")
        self._show()

    async def run(self) -> None:
        """Send what is kept, and what comes, until cancelled. A bus that is away is waited for."""
        while True:
            await self._something.wait()
            try:
                await self._send(MOST_AT_ONCE)
                self._bus_is(None)
            except BusUnavailable as error:
                log.warning("bus is away, messages are kept", waiting=len(self._kept), reason=str(error))
                self._bus_is(str(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Send what is kept before the program ends; what the bus does not take within `seconds` is counted as lost."""
        try:
            async with asyncio.timeout(seconds):
                while self._kept:
                    await self._send(MOST_AT_ONCE)
        except (TimeoutError, BusUnavailable) as error:
            log.warning("messages are lost: the bus did not take them before the end", count=len(self._kept))
            while self._kept:
                self._drop("shutdown")
            self._show()
            if isinstance(error, BusUnavailable):
                self._bus_is(str(error))

    async def _send(self, most: int) -> None:
        part = [self._kept[number] for number in range(min(most, len(self._kept)))]
        if not part:
            return
        try:
            await self._producer.send_all([kept.message for kept in part], deadline_seconds=self._attempt_seconds)
        except MessageRefused as error:
            if most == 1:
                log.error("message is dropped: the bus will never take it", reason=str(error))
                self._drop("refused")
                self._show()
                return
            for _ in part:  # one by one, to find which it is
                await self._send(1)
            return
        # While it was sent, `put` may have dropped some of it.
        while self._kept and self._kept[0].number <= part[-1].number:
            self._forget()
        self._show()

    def _forget(self) -> _Kept:
        kept = self._kept.popleft()
        self._bytes -= kept.size
        return kept

    def _drop(self, reason: str) -> None:
        DROPPED.labels(self._forget().message.topic.name, reason).inc()

    def _show(self) -> None:
        WAITING.set(len(self._kept))
        WAITING_BYTES.set(self._bytes)
        if self._kept:
            self._something.set()
        else:
            self._something.clear()
