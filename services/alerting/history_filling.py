"""Filling windows that reach back beyond what the bus holds: once, from the database, while everything else goes on."""

import asyncio
from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
import structlog

from services.alerting.core.inputs import STATE_FORMAT, Filled, RuleChange, Samples, dump, raw_series
from services.alerting.core.routing import partition_of
from services.alerting.sending import until_sent
from shared.bus import Outgoing, Producer
from shared.database import Database, DatabaseUnavailable
from shared.messages.samples import MOST_SAMPLES
from shared.messages.series import key_of
from shared.messages.topics import ALERTING_INPUTS, ALERTING_ROUTING, SAMPLES, Opaque
from shared.promql.errors import QueryRefused
from shared.promql.matching import Selector
from shared.promql.series_sets import SeriesSet
from shared.promql.source import Block
from shared.storage import StoredSource, Want, load

log = structlog.get_logger()

RETRY_SECONDS = 10.0
HISTORY = "history/"
"""Before the group's name where it is said what has been filled."""
# The two overlap, for what the database had not stored yet when the bus had it.
OVERLAP_MS = 60 * 60_000
SERIES_AT_A_TIME = 200


class HistoryFiller:
    """Works off what is wanted while `active`: one of all routers is."""

    def __init__(self, database: Database, producer: Producer) -> None:
        self._database, self._producer = database, producer
        self._done: dict[str, int] = {}
        self._wanted: dict[str, tuple[RuleChange, Mapping[Selector, int]]] = {}
        self._awake = asyncio.Event()
        self.active = False

    def note(self, group: str, revision: int) -> None:
        """This has been done, by whomever."""
        self._done[group] = max(revision, self._done.get(group, -1))

    def want(self, change: RuleChange, reaches: Mapping[Selector, int]) -> None:
        """Have the windows of this revision filled."""
        self._wanted[change.group] = change, reaches
        self._awake.set()

    async def run(self, inputs: int) -> None:
        """Fill until cancelled. `inputs`: how many partitions the log has."""
        while True:
            self._awake.clear()
            for change, reaches in list(self._wanted.values()):
                if self.active and change.revision > self._done.get(change.group, -1):
                    await self._try(change, reaches, inputs)
            try:
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._awake.wait()
            except TimeoutError:
                continue

    async def _try(self, change: RuleChange, reaches: Mapping[Selector, int], inputs: int) -> None:
        end = change.accepted_ms - (SAMPLES.retention_ms or 0) + OVERLAP_MS
        wants = [
            Want((selector,), change.accepted_ms - reach, end)
            for selector, reach in reaches.items()
            if change.accepted_ms - reach < end
        ]
        try:
            stored = await load(self._database, wants)
        except (DatabaseUnavailable, QueryRefused) as error:
            log.warning("windows wait for history", group=change.group, reason=str(error))
            return
        to = partition_of(change.group, inputs)
        for want in wants:
            for samples in _batches(stored, want):
                await self._send(Outgoing(ALERTING_INPUTS, "", Opaque(dump(samples)), partition=to))
        filled = Filled(change.group, change.revision)
        await self._send(Outgoing(ALERTING_INPUTS, change.group, Opaque(dump(filled)), partition=to))
        done = Opaque(msgspec.msgpack.encode(change.revision))
        await self._send(Outgoing(ALERTING_ROUTING, f"{STATE_FORMAT}/{HISTORY}{change.group}", done))
        self.note(change.group, change.revision)
        log.info("windows filled from history", group=change.group, samples=stored.samples)

    async def _send(self, message: Outgoing) -> None:
        await until_sent(lambda: self._producer.send_all([message]))
        await asyncio.sleep(0)


def _batches(stored: StoredSource, want: Want) -> Iterator[Samples]:
    """The samples of a want as messages of the log, each at most as long as a batch."""
    for selector in want.selectors:
        selection = stored.select(selector.matchers, want.start_ms, want.end_ms)
        for block in selection.blocks:
            for start in range(0, len(block.rows), SERIES_AT_A_TIME):
                rows = slice(start, start + SERIES_AT_A_TIME)
                yield from _of_block(selection.series, block, rows)


def _of_block(series: SeriesSet, block: Block, rows: slice) -> Iterator[Samples]:
    keys = [key_of(dict(series[row])) for row in block.rows[rows].tolist()]
    width = max(MOST_SAMPLES // len(keys), 1)
    for first in range(0, len(block.times), width):
        times, values = block.times[first : first + width], block.values[rows, first : first + width]
        index = np.broadcast_to(np.arange(len(keys), dtype="<u4")[:, None], values.shape)
        yield Samples(
            source="history",
            series=raw_series(keys),
            index=index.reshape(-1).tobytes(),
            times=np.broadcast_to(times.astype("<i8"), values.shape).tobytes(),
            values=values.astype("<f8").tobytes(),
            partition=-1,
            offset=-1,
            accepted_ms=int(times[-1]),
            fill=True,
        )
