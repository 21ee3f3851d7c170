"""Filling the windows of groups that are new or changed with samples that were accepted before their rules."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from services.alerting import metrics
from services.alerting.core.inputs import Samples
from services.alerting.core.routing import Routes
from services.alerting.places import Record, read_backwards
from services.alerting.sending import to_log, until_sent
from shared.bus import Producer
from shared.messages.message import BadMessage
from shared.messages.samples import PackedBatch
from shared.messages.topics import SAMPLES

log = structlog.get_logger()

QUIET_SECONDS = 0.1
MOST_QUIETS = 10


@dataclass(frozen=True)
class Fill:
    """A stretch of one samples partition that a revision of a group has yet to see."""

    group: str
    revision: int
    partition: int
    start: int
    stop: int


class Filler:
    """Works off fills beside the routing. `finished` is called when some are done."""

    def __init__(self, bootstrap: str, producer: Producer, finished: Callable[[], None]) -> None:
        self._bootstrap, self._producer, self._finished = bootstrap, producer, finished
        self._routes: Routes | None = None
        self._open: list[Fill] = []
        self._wanted = asyncio.Event()

    def by(self, routes: Routes) -> None:
        """Whom samples concern."""
        self._routes = routes

    def want(self, fill: Fill) -> None:
        """Have this done soon."""
        self._open.append(fill)
        self._wanted.set()

    def give_up(self, partition: int) -> None:
        """The partition is not ours any more."""
        self._open = [fill for fill in self._open if fill.partition != partition]

    def oldest_open(self, partition: int) -> int | None:
        """The lowest revision that still waits for samples of this partition; None if all is done."""
        return min((fill.revision for fill in self._open if fill.partition == partition), default=None)

    async def run(self) -> None:
        """Fill until cancelled."""
        while True:
            await self._wanted.wait()
            await self._until_quiet()
            while self._open:
                partition = self._open[0].partition
                # One reading serves all groups that wait for this partition.
                together = [fill for fill in self._open if fill.partition == partition]
                await self._fill(partition, together)
                self._open = [fill for fill in self._open if fill not in together]
                self._finished()

    async def _until_quiet(self) -> None:
        """Groups that come one after another, as from a file, are filled together."""
        for _ in range(MOST_QUIETS):
            self._wanted.clear()
            await asyncio.sleep(QUIET_SECONDS)
            if not self._wanted.is_set():
                return
        self._wanted.clear()

    async def _fill(self, partition: int, fills: list[Fill]) -> None:
        assert self._routes is not None, "it is told of the routes before anything is to be filled"
        metrics.FILLS.inc()
        start, stop = min(fill.start for fill in fills), max(fill.stop for fill in fills)
        borders = sorted({place for fill in fills for place in (fill.start, fill.stop)})
        groups_from = [frozenset(one.group for one in fills if one.start <= place < one.stop) for place in borders]
        # The newest first: windows hold newer samples already, and what comes before these is taken in at once.
        async for records in read_backwards(self._bootstrap, SAMPLES, partition, start, stop):
            outgoing: list[tuple[int, Samples]] = []
            for record in records:
                groups = groups_from[bisect_right(borders, record.offset) - 1]
                outgoing += split_record(self._routes, record, groups, fill=True)
                await asyncio.sleep(0)
            if outgoing:
                await until_sent(lambda parts=outgoing: self._producer.send_all(to_log(parts)))  # type: ignore[misc]
        log.info("windows filled", partition=partition, groups=len(fills), messages=stop - start)


def split_record(routes: Routes, record: Record, only: frozenset[str], *, fill: bool) -> list[tuple[int, Samples]]:
    """What a record that was routed before holds for these groups. One that can't be read was put aside then."""
    try:
        batch = PackedBatch.decode(record.value or b"")
        return routes.split_for(batch, record.partition, record.offset, record.timestamp, only, fill=fill)
    except BadMessage:
        metrics.SKIPPED_IN_FILL.inc()
        return []
