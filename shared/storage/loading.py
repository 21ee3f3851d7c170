"""Series and their samples from the database into memory, fast and bounded."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from shared.database import Database
from shared.promql.limits import Limits
from shared.promql.matching import Selector
from shared.promql.series_sets import Ints, Labels
from shared.promql.values import Floats
from shared.storage.allowance import Allowance
from shared.storage.copy_rows import COLUMNS, Rows, parse
from shared.storage.series import find_series
from shared.storage.stored_source import StoredSource
from shared.storage.wants import Range, Want, joined, ranges_by_selector

if TYPE_CHECKING:
    import asyncpg

LOAD_LIMITS = Limits(samples=20_000_000, series=200_000)
"""What one reading may bring into memory: 8 to 16 bytes a sample, about 1 KB a series."""

FIRST_SERIES = 1_000
ROWS_AT_A_TIME = 2_000_000
"""About so many rows are read before they are put into their compact form."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS, _LATEST_MS = 0, 253_402_300_799_000


async def load(database: Database, wants: Sequence[Want], limits: Limits = LOAD_LIMITS) -> StoredSource:
    """The wanted series with their samples, all as of one moment.

    QueryRefused, before memory is short, if there are more series or samples than `limits` allow or its deadline
    passes. DatabaseUnavailable.
    """
    ranges, allowance = ranges_by_selector(wants), Allowance(limits)
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        with allowance.timed():
            found = await _find(connection, ranges, allowance)
            samples = await _read(connection, found, allowance)
    return await asyncio.to_thread(_source, found, samples, ranges)


class _Found:
    """The series that are wanted, each once, whatever selects it."""

    def __init__(self) -> None:
        self.labels: dict[int, Labels] = {}
        self.members: dict[Selector, list[int]] = {}
        self.ranges: dict[int, tuple[Range, ...]] = {}

    def add(self, selector: Selector, ranges: tuple[Range, ...], series: int, labels: Labels) -> bool:
        """Whether it is new."""
        self.members[selector].append(series)
        if series not in self.labels:
            self.labels[series], self.ranges[series] = labels, ranges
            return True
        if self.ranges[series] != ranges:
            self.ranges[series] = joined((*self.ranges[series], *ranges))
        return False


async def _find(
    connection: "asyncpg.Connection[asyncpg.Record]",
    wanted: Mapping[Selector, tuple[Range, ...]],
    allowance: Allowance,
) -> _Found:
    found = _Found()
    for selector, ranges in wanted.items():
        found.members[selector] = []
        async for series, labels in find_series(connection, selector, allowance):
            if found.add(selector, ranges, series, labels):
                allowance.take_series(1)
    return found


async def _read(
    connection: "asyncpg.Connection[asyncpg.Record]", found: _Found, allowance: Allowance
) -> dict[int, list[tuple[Ints, Floats]]]:
    """By series the samples of each of its ranges, in order of time."""
    by_range: dict[Range, list[int]] = {}
    for series, ranges in found.ranges.items():
        for one in ranges:
            by_range.setdefault(one, []).append(series)
    samples: dict[int, list[tuple[Ints, Floats]]] = {}
    for one in sorted(by_range):
        waiting, width = sorted(by_range[one]), FIRST_SERIES
        while waiting:
            some, waiting = waiting[:width], waiting[width:]
            rows = await _copy(connection, some, one, allowance)
            for position, series in enumerate(rows.ids.tolist()):
                samples.setdefault(series, []).append(rows.samples(position))
            width = max(ROWS_AT_A_TIME * len(some) // max(len(rows.times), len(some)), 1)
    return samples


async def _copy(
    connection: "asyncpg.Connection[asyncpg.Record]", series: Sequence[int], within: Range, allowance: Allowance
) -> Rows:
    start, end = (_literal(one) for one in within)
    # Numbers and times of our own making; COPY takes no arguments. One row above what is allowed shows that there are.
    query = (
        f"SELECT {COLUMNS} FROM samples WHERE series_id = ANY('{{{','.join(map(str, series))}}}'::bigint[])"  # noqa: S608
        f" AND time > {start} AND time <= {end} LIMIT {allowance.samples_left + 1}"
    )
    copied = bytearray()

    async def take(piece: bytes) -> None:
        copied.extend(piece)

    await connection.copy_from_query(query, output=take, format="binary", timeout=allowance.seconds())
    rows = await asyncio.to_thread(parse, copied)
    allowance.take_samples(len(rows.times))
    return rows


def _literal(instant_ms: int) -> str:
    bounded = min(max(instant_ms, _EARLIEST_MS), _LATEST_MS)
    return f"timestamptz '{(_EPOCH + timedelta(milliseconds=bounded)).isoformat()}'"


def _source(
    found: _Found, samples: Mapping[int, list[tuple[Ints, Floats]]], ranges: Mapping[Selector, tuple[Range, ...]]
) -> StoredSource:
    places = {series: place for place, series in enumerate(samples)}
    members = {
        selector: [places[series] for series in chosen if series in places]
        for selector, chosen in found.members.items()
    }
    labels = [found.labels[series] for series in samples]
    return StoredSource(labels, [_in_one(parts) for parts in _parts(samples)], members, ranges)


def _parts(samples: Mapping[int, list[tuple[Ints, Floats]]]) -> Iterator[list[tuple[Ints, Floats]]]:
    yield from samples.values()


def _in_one(parts: list[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([times for times, _ in parts]), np.concatenate([values for _, values in parts])
