"""Writes a lived-through past to where a Pantau has it: samples over the bus, with their own time, and the collector's
signs of life, without which nobody could say that it was watched then."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import datetime

import asyncpg

from infra.simulator.application.customers import instant
from infra.simulator.days import Moment
from infra.simulator.watching import HOST, Read
from shared.bus import Outgoing, Producer
from shared.messages.samples import MOST_SAMPLES, Sample, SampleBatch
from shared.messages.topics import SAMPLES

SIGN = f"collector/{HOST}"
SIGNS_EVERY = "60 seconds"
MOMENTS_AT_ONCE = 30
DEADLINE_SECONDS = 60.0

# History notes when the bus accepted a batch: for what is written later than it was lived, that is now, and says
# nothing of then.
_SIGNS = """
INSERT INTO collector_signs (source, accepted_at, newest_sample)
SELECT $1, at, at FROM generate_series($2::timestamptz, $3::timestamptz, $4::text::interval) AS at
ON CONFLICT DO NOTHING
"""

Lived = Callable[[Moment], None]
"""Told of each moment."""


async def record(moments: AsyncIterator[Moment], bootstrap: str, dsn: str, lived: Lived) -> int:
    """Send all of it; how many samples that were. BusUnavailable, or PostgresError for the signs of life."""
    producer, count = Producer(bootstrap, "simulator"), 0
    waiting: list[Read] = []
    first_ms = last_ms = 0
    await producer.start()
    try:
        async for moment in moments:
            first_ms, last_ms = first_ms or moment.at_ms, moment.at_ms
            waiting += moment.reads
            if len(waiting) >= MOMENTS_AT_ONCE * len(moment.reads):
                count += await _send(producer, waiting)
                waiting = []
            lived(moment)
        count += await _send(producer, waiting)
    finally:
        await producer.stop()
    if first_ms:
        await _sign(dsn, instant(first_ms), instant(last_ms))
    return count


async def _send(producer: Producer, reads: Sequence[Read]) -> int:
    """A message for each source, with all that it read: few and large."""
    by_origin: dict[str, list[Sample]] = {}
    for one in reads:
        by_origin.setdefault(one.origin, []).extend(one.samples)
    messages = [
        Outgoing(SAMPLES, origin, SampleBatch.of(origin, part))
        for origin, samples in by_origin.items()
        for part in _parts(samples)
    ]
    await producer.send_all(messages, DEADLINE_SECONDS)
    return sum(map(len, by_origin.values()))


def _parts(samples: Sequence[Sample]) -> Iterator[Iterable[Sample]]:
    for first in range(0, len(samples), MOST_SAMPLES):
        yield samples[first : first + MOST_SAMPLES]


async def _sign(dsn: str, first: datetime, last: datetime) -> None:
    connection = await asyncpg.connect(dsn, timeout=DEADLINE_SECONDS)
    try:
        await connection.execute(_SIGNS, SIGN, first, last, SIGNS_EVERY, timeout=DEADLINE_SECONDS)
    finally:
        await connection.close()
