"""The table `samples`: what is surely new by binary COPY, the rest past what is there already."""

from collections.abc import AsyncIterator, Iterable

import numpy as np

from services.history.connection import Connection
from services.history.core.copy_format import COLUMNS, encode
from services.history.core.series_index import NEVER, SeriesIndex
from services.history.core.snapshots import snapshot_rows
from services.history.core.splitting import Samples, advance, concatenated, distinct, split, to_be_asked
from services.history.core.tables import PERFORMANCE_SNAPSHOTS
from services.history.measures import Tally
from services.history.series_store import SeriesStore
from services.history.table_store import insert
from shared.bus import Received
from shared.messages.samples import SampleBatch

TABLE = "samples"
LATE = "late_samples"
LARGE_BATCH_SECONDS = 300.0

# Asked only from the earliest new sample on: this touches the latest partitions and no others.
_LAST = """
SELECT asked.position, (
    SELECT (extract(epoch FROM max(samples.time)) * 1000)::bigint FROM samples
    WHERE samples.series_id = asked.id AND samples.time >= timestamptz 'epoch' + asked.ms * interval '1 millisecond'
) AS last
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS asked(id, ms, position)
"""
_PREPARE_LATE = f"CREATE TEMPORARY TABLE IF NOT EXISTS {LATE} (LIKE {TABLE}) ON COMMIT DELETE ROWS; TRUNCATE {LATE}"
_INSERT_LATE = f"""
INSERT INTO {TABLE} (time, series_id, value) SELECT time, series_id, value FROM {LATE}
ON CONFLICT (series_id, time) DO NOTHING
"""  # noqa: S608  (names of our own tables, no input)
# Bit by bit, so that a staleness marker differs from another NaN.
_COUNT_OTHER = f"""
SELECT count(*) FROM {LATE} AS late WHERE float8send(late.value) <> (
    SELECT float8send(kept.value) FROM {TABLE} AS kept
    WHERE kept.series_id = late.series_id AND kept.time = late.time
)
"""  # noqa: S608  (names of our own tables, no input)


class SampleStore:
    """Stores sample batches within the caller's transaction."""

    def __init__(self, index: SeriesIndex, keep_ms: int) -> None:
        self._index, self._series, self._keep_ms = index, SeriesStore(index), keep_ms

    async def store(self, connection: Connection, messages: list[Received], cautious: bool, tally: Tally) -> None:
        """Store the samples of `messages` and the snapshots that they tell. `cautious` trusts nothing that is in
        memory: UniqueViolationError can't happen then; otherwise it does if somebody else wrote the same series."""
        batches: list[SampleBatch] = [message.message for message in messages]
        snapshots = [row for batch in batches for row in snapshot_rows(batch)]
        await insert(connection, PERFORMANCE_SNAPSHOTS, snapshots, tally)

        found = distinct(await self._samples(connection, messages, tally))
        tally.duplicates[TABLE, "same"] += found.repeated_same
        tally.duplicates[TABLE, "other_value"] += found.repeated_other
        samples = found.samples
        if cautious:
            newer, late = samples.where(np.zeros(len(samples), np.bool_)), samples
        else:
            await self._ask_last(connection, samples)
            newer, late = split(samples, self._index.last)
        if len(newer):
            await _copy(connection, TABLE, newer, self._index)
            tally.rows[TABLE] += len(newer)
        if len(late):
            await self._store_late(connection, late, tally)
        advance(self._index.last, samples)

    async def _samples(self, connection: Connection, messages: list[Received], tally: Tally) -> Samples:
        """All samples of `messages` in the order of the log, but those that retention would drop at once."""
        batches: list[SampleBatch] = [message.message for message in messages]
        parts = []
        for message, batch, slots in zip(messages, batches, await self._series.slots(connection, batches), strict=True):
            index, times, values = batch.columns()
            part = Samples(slots[index], times, values)
            # By the broker's clock, not ours: what is read again is decided again in the same way.
            young = times >= message.accepted_ms - self._keep_ms
            if not young.all():
                tally.refused[TABLE, "too_old"] += int(np.count_nonzero(~young))
                part = part.where(young)
            parts.append(part)
        return concatenated(parts)

    async def _ask_last(self, connection: Connection, samples: Samples) -> None:
        """Learn the last times of series that are in the database but were not met since the start."""
        asked = to_be_asked(samples, self._index.last)
        if not len(asked.slots):
            return
        rows = await connection.fetch(_LAST, self._index.ids[asked.slots].tolist(), asked.times.tolist())
        for row in rows:
            slot = int(asked.slots[row["position"] - 1])
            # None from here on: whatever there is before, all of this batch is newer.
            self._index.last[slot] = NEVER if row["last"] is None else row["last"]

    async def _store_late(self, connection: Connection, late: Samples, tally: Tally) -> None:
        await connection.execute(_PREPARE_LATE)
        await _copy(connection, LATE, late, self._index)
        inserted = int((await connection.execute(_INSERT_LATE, timeout=LARGE_BATCH_SECONDS)).rsplit(" ", 1)[1])
        tally.rows[TABLE] += inserted
        if inserted < len(late):
            other = await connection.fetchval(_COUNT_OTHER, timeout=LARGE_BATCH_SECONDS)
            tally.duplicates[TABLE, "other_value"] += other
            tally.duplicates[TABLE, "same"] += len(late) - inserted - other


async def _copy(connection: Connection, table: str, samples: Samples, index: SeriesIndex) -> None:
    await connection.copy_to_table(
        table,
        source=_stream(encode(samples, index.ids)),
        columns=list(COLUMNS),
        format="binary",
        timeout=LARGE_BATCH_SECONDS,
    )


async def _stream(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
