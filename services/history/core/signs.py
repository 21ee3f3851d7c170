"""Signs of life of the collectors: which batches are one, and which of them are noted."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.history.core.instants import at
from services.history.core.tables import Row
from shared.messages.samples import SampleBatch

COLLECTOR = "collector/"
SPACING_MS = 1_000
"""Signs of one source that are closer tell nothing more."""


class Sign(NamedTuple):
    """A batch of a collector: when the bus accepted it, and the time of its newest sample, in ms."""

    source: str
    accepted_ms: int
    newest_ms: int | None


def sign_of(batch: SampleBatch, accepted_ms: int) -> Sign | None:
    """The sign that a batch is; None if it is not a collector's."""
    if not batch.source.startswith(COLLECTOR):
        return None
    times = batch.columns()[1]
    return Sign(batch.source, accepted_ms, int(times.max()) if len(times) else None)


def sign_rows(signs: Iterable[Sign], last_ms: Mapping[str, int]) -> list[Row]:
    """Rows of COLLECTOR_SIGNS for `signs`, in the order of the log. `last_ms` is the latest noted sign by source."""
    noted = dict(last_ms)
    rows: list[Row] = []
    for sign in signs:
        if sign.accepted_ms - noted.get(sign.source, sign.accepted_ms - SPACING_MS) >= SPACING_MS:
            noted[sign.source] = sign.accepted_ms
            newest = None if sign.newest_ms is None else at(sign.newest_ms)
            rows.append((sign.source, at(sign.accepted_ms), newest))
    return rows
