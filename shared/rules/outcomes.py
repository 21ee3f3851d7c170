"""What a rule's query finds, instant by instant: asked for one, or for many at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from shared.promql.errors import BadQuery, QueryFailed, QueryRefused
from shared.promql.query import Answer, Options, Query, Scalar, Vector
from shared.promql.series_sets import Labels
from shared.promql.source import Source

Elements = list[tuple[Labels, float]]


@dataclass(frozen=True)
class NoOutcome:
    """Why there is none."""

    reason: str


Outcome = Elements | NoOutcome


def outcome_at(query: Query, source: Source, at_ms: int, options: Options) -> Outcome:
    """What the query finds at an instant; a scalar is an element without labels."""
    try:
        return next(_by_step(query.instant(source, at_ms, options)))
    except (BadQuery, QueryFailed, QueryRefused) as error:
        return NoOutcome(str(error))


def outcomes_over(
    query: Query, source: Source, start_ms: int, count: int, step_ms: int, options: Options
) -> Iterator[Outcome]:
    """What the query finds at each of `count` instants. Where it fails for all at once, halves are tried."""
    if count == 1:
        yield outcome_at(query, source, start_ms, options)
        return
    try:
        answer = query.range(source, start_ms, start_ms + (count - 1) * step_ms, step_ms, options)
    except (BadQuery, QueryFailed, QueryRefused):
        half = count // 2
        yield from outcomes_over(query, source, start_ms, half, step_ms, options)
        yield from outcomes_over(query, source, start_ms + half * step_ms, count - half, step_ms, options)
        return
    yield from _by_step(answer)


def _by_step(answer: Answer) -> Iterator[Outcome]:
    value = answer.value
    if isinstance(value, Scalar):
        for number in value.values.tolist():
            yield [((), number)]
        return
    if not isinstance(value, Vector):
        yield NoOutcome("rule result is not a vector or scalar")
        return
    labels, values = value.series.labels, value.values.T
    for step, present in enumerate(np.ascontiguousarray(value.present.T)):
        rows = np.flatnonzero(present)
        yield (
            [(labels[row], number) for row, number in zip(rows.tolist(), values[step, rows].tolist(), strict=True)]
            if len(rows)
            else []
        )
