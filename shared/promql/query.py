"""Queries: compiled once from text, then answered at an instant or over a range of steps, from any source."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from shared.promql.annotations import Annotations
from shared.promql.engine import MINUTE_MS, Engine
from shared.promql.errors import BadQuery, QueryRefused
from shared.promql.expressions import Expr, RangeSelector, Subquery, VectorSelector, value_type, walk
from shared.promql.extended_ranges import extended_samples
from shared.promql.functions_labels import without_dropped_names
from shared.promql.limits import Limits, Spending
from shared.promql.matching import Selector
from shared.promql.parsing import parse_expression
from shared.promql.series_sets import METADATA, Ints, SeriesSet, without_labels
from shared.promql.source import Source
from shared.promql.values import Matrix, Samples, Scalar, Text, Value, Vector

LOOKBACK_MS = 5 * MINUTE_MS
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Answer:
    """What a query gives.

    `times` [T] are the steps in ms. A `Vector` has a row for each series that is present at any step, in the order of
    the query's sorting functions for an instant, by labels for a range.
    """

    times: Ints
    value: Value
    remarks: Annotations
    samples: int
    """Samples that were touched."""


@dataclass(frozen=True)
class Options:
    """How queries are answered."""

    lookback_ms: int = LOOKBACK_MS
    subquery_step_ms: int = MINUTE_MS
    """The step of subqueries that name none."""
    limits: Limits = DEFAULT_LIMITS


DEFAULT_OPTIONS = Options()


@dataclass(frozen=True)
class Query:
    """A compiled query."""

    expr: Expr

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """All selectors: which series the query needs."""
        found: dict[Selector, None] = {}
        for one in walk(self.expr):
            if isinstance(one, VectorSelector):
                for some in one.alternatives or ((),):
                    found.setdefault(Selector((*one.matchers, *some)))
        return tuple(found)

    def instant(self, source: Source, at_ms: int, options: Options = DEFAULT_OPTIONS) -> Answer:
        """The answer at an instant. BadQuery, QueryFailed or QueryRefused if there is none."""
        engine = _engine(source, at_ms, at_ms, 0, options)
        times = np.array([at_ms], np.int64)
        if isinstance(self.expr, RangeSelector | Subquery):
            value: Value = _matrix(engine, self.expr, times)
        else:
            value = engine.evaluate(self.expr, times)
            if isinstance(value, Vector):
                value = without_dropped_names(_present_alone(value))
        return Answer(times, value, engine.remarks, engine.spending.samples)

    def range(self, source: Source, start_ms: int, end_ms: int, step_ms: int,
              options: Options = DEFAULT_OPTIONS) -> Answer:  # fmt: skip
        """The answer at each step from start to end. BadQuery, QueryFailed or QueryRefused if there is none."""
        if step_ms <= 0:
            raise BadQuery("the step of a range query must be greater than 0")
        if end_ms < start_ms:
            raise BadQuery("the end of a range query lies before its start")
        if value_type(self.expr) not in ("scalar", "vector"):
            raise BadQuery(f"a range query needs a scalar or an instant vector, not a {value_type(self.expr)}")
        count = (end_ms - start_ms) // step_ms + 1
        if count > options.limits.steps:
            raise QueryRefused("steps", f"it has {count} steps, at most {options.limits.steps}")
        engine = _engine(source, start_ms, end_ms, step_ms, options)
        times = start_ms + np.arange(count, dtype=np.int64) * step_ms
        value = engine.evaluate(self.expr, times)
        if isinstance(value, Vector):
            value = _by_labels(without_dropped_names(_present_alone(value)))
        return Answer(times, value, engine.remarks, engine.spending.samples)


@lru_cache(maxsize=16_384)
def compile_query(text: str) -> Query:
    """The query in the text. BadQuery with the reason if there is none."""
    return Query(parse_expression(text))


def _engine(source: Source, start: int, end: int, step: int, options: Options) -> Engine:
    spending = Spending(options.limits)
    return Engine(source, start, end, step, options.lookback_ms, spending, options.subquery_step_ms)


def _present_alone(vector: Vector) -> Vector:
    """The rows that are present at any step."""
    if not len(vector):
        return vector
    there = (
        np.broadcast_to(vector.present[0].any(), len(vector))
        if vector.present.strides[0] == 0
        else (vector.present.any(axis=1))
    )
    return vector if there.all() else vector.take(np.flatnonzero(there))


def _by_labels(vector: Vector) -> Vector:
    labels = vector.series.labels
    order = sorted(range(len(labels)), key=labels.__getitem__)
    return vector if order == list(range(len(labels))) else vector.take(np.array(order, np.int64))


def _matrix(engine: Engine, expr: RangeSelector | Subquery, times: Ints) -> Matrix:
    modifiers = expr.selector.modifiers if isinstance(expr, RangeSelector) else expr.modifiers
    ranges = engine.ranges(expr, times)
    samples, rows = [], []
    for window in ranges.windows:
        if modifiers.anchored or modifiers.smoothed:
            found = extended_samples(window, modifiers.smoothed)
        else:
            inside = slice(int(window.lo[0]), int(window.hi[0]))
            found = (window.times[inside], window.values[:, inside]) if window.counts[0] else None
        if found is not None:
            rows += window.rows.tolist()
            samples += [(found[0], values) for values in found[1]]
    labels = [ranges.series[row] for row in rows]
    labels = [
        without_labels(one, METADATA) if ranges.dropped[row] else one for one, row in zip(labels, rows, strict=True)
    ]
    order = sorted(range(len(labels)), key=labels.__getitem__)
    return Matrix(
        SeriesSet([labels[place] for place in order]),
        tuple(Samples(number, *samples[place]) for number, place in enumerate(order)),
    )


__all__ = ["Answer", "Limits", "Matrix", "Options", "Query", "Scalar", "Text", "Vector", "compile_query"]
