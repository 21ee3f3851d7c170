"""The table `series`: ids for keys, made in bulk for those that are new."""

import msgspec
import structlog

from services.history.connection import Connection
from services.history.core.series_index import ABSENT, NEVER, UNKNOWN, Integers, SeriesIndex
from services.history.measures import SERIES
from shared.messages.samples import SampleBatch
from shared.messages.series import NAME, labels_of

log = structlog.get_logger()

_FIND = """
SELECT wanted.key, series.id, series.type
FROM unnest($1::text[]) AS wanted(key) JOIN series ON series.digest = series_digest(wanted.key)
"""
# A digest that another writer inserts meanwhile is left out here and found by the next _FIND.
_INSERT = """
INSERT INTO series (key, metric, labels, type)
SELECT key, metric, labels::jsonb, type
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new(key, metric, labels, type)
ON CONFLICT (digest) DO NOTHING RETURNING key, id
"""
_RETYPE = (
    "UPDATE series SET type = new.type FROM unnest($1::bigint[], $2::text[]) AS new(id, type) WHERE series.id = new.id"
)


class SeriesStore:
    """Resolves the series of sample batches into slots of `index`, within the caller's transaction."""

    def __init__(self, index: SeriesIndex) -> None:
        self.index = index

    async def slots(self, connection: Connection, batches: list[SampleBatch]) -> list[Integers]:
        """For each batch the slots of its series, in its order; series that are new are inserted."""
        unknown = {
            key: metric_type
            for batch in batches
            for key, metric_type, slot in zip(
                batch.series, batch.types, self.index.slots(batch.series).tolist(), strict=True
            )
            if slot == ABSENT
        }
        if unknown and self.index.full_with(len(unknown)):
            log.warning(
                "more series than are kept in memory: all are looked up again; raise history.most_series",
                series=len(self.index) + len(unknown),
            )
            self.index.forget()
            unknown = {key: one for batch in batches for key, one in zip(batch.series, batch.types, strict=True)}
        if unknown:
            await self._learn(connection, unknown)
        SERIES.set(len(self.index))
        found = [self.index.slots(batch.series) for batch in batches]
        for batch, slots in zip(batches, found, strict=True):
            await self._retype(connection, batch, slots)
        return found

    async def _learn(self, connection: Connection, unknown: dict[str, str]) -> None:
        await self._find(connection, unknown)
        if unknown:
            # In one order for all writers, so that two that meet the same new series don't wait for each other.
            keys = sorted(unknown)
            parsed = [labels_of(key) for key in keys]
            labels = [_json({name: text for name, text in one.items() if name != NAME}) for one in parsed]
            types = [unknown[key] for key in keys]
            made = await connection.fetch(_INSERT, keys, [one[NAME] for one in parsed], labels, types)
            made_keys = [row["key"] for row in made]
            self.index.add(made_keys, [row["id"] for row in made], [unknown.pop(key) for key in made_keys], NEVER)
        if unknown:
            await self._find(connection, unknown)
        if unknown:
            raise RuntimeError(f"series {next(iter(unknown))!r} can neither be inserted nor found")

    async def _find(self, connection: Connection, unknown: dict[str, str]) -> None:
        """Add those of `unknown` that the database has to the index, and take them out of `unknown`."""
        rows = await connection.fetch(_FIND, list(unknown))
        self.index.add(
            [row["key"] for row in rows], [row["id"] for row in rows], [row["type"] for row in rows], UNKNOWN
        )
        for row in rows:
            del unknown[row["key"]]

    async def _retype(self, connection: Connection, batch: SampleBatch, slots: Integers) -> None:
        """The latest type that is told of a series holds."""
        changed = self.index.retyped(slots, batch.types)
        if len(changed):
            types = [batch.types[position] for position in changed.tolist()]
            await connection.execute(_RETYPE, self.index.ids[slots[changed]].tolist(), types)
            self.index.set_types(slots[changed], types)


def _json(labels: dict[str, str]) -> str:
    return msgspec.json.encode(labels).decode()
