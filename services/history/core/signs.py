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
    noted: dict[str, tuple[int, int | None]] = {source: (accepted, None) for source, accepted in last_ms.items()}
    rows: list[Row] = []
    for sign in signs:
        if _tells_more(sign, noted.get(sign.source)):
            noted[sign.source] = sign.accepted_ms, sign.newest_ms
            newest = None if sign.newest_ms is None else at(sign.newest_ms)
            rows.append((sign.source, at(sign.accepted_ms), newest))
    return rows


def _tells_more(sign: Sign, last: tuple[int, int | None] | None) -> bool:
    if last is None or sign.accepted_ms - last[0] >= SPACING_MS:
        return True
    # What a collector held back comes in a moment, but each batch is a sign of another time.
    held_back = sign.newest_ms is not None and sign.accepted_ms - sign.newest_ms >= SPACING_MS
    return held_back and (last[1] is None or abs((sign.newest_ms or 0) - last[1]) >= SPACING_MS)
