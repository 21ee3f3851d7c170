"""Evaluation of expressions, all steps at once. `Engine` holds what one query is asked with; see `query.py` for use."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from shared.promql.aggregate import aggregate
from shared.promql.annotations import Annotations
from shared.promql.calls import call
from shared.promql.duration_expressions import Duration, milliseconds_of
from shared.promql.errors import BadQuery
from shared.promql.expressions import (
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Expr,
    Modifiers,
    Negation,
    Number,
    RangeSelector,
    Subquery,
    Text,
    VectorSelector,
)
from shared.promql.extended_ranges import smoothed_values
from shared.promql.limits import Spending
from shared.promql.operators import negated, scalars, vector_with_scalar
from shared.promql.select_few import count_values, extreme, limit, limit_ratio
from shared.promql.selecting import Window, blocks_of, scattered, select, values_at, windows
from shared.promql.series_sets import EMPTY, Ints, SeriesSet
from shared.promql.source import Block, Selection, Source
from shared.promql.values import Flags, Scalar, Value, Vector, empty_vector
from shared.promql.values import Text as TextValue
from shared.promql.vector_matching import both_vectors, set_operation

MINUTE_MS = 60_000


@dataclass(frozen=True, eq=False)
class Ranges:
    """A range vector: the windows over its series, and whose metric name goes away."""

    series: SeriesSet
    windows: list[Window]
    dropped: Flags


def _samples_in(blocks: Sequence[Block], start: int, end: int) -> int:
    samples = 0
    for block in blocks:
        first, last = np.searchsorted(block.times, (start, end), "right").tolist()
        samples += (last - first) * len(block.rows)
    return samples


@dataclass(eq=False)
class Engine:
    """One query at work. Times are ms; `start`, `end` and `step` are those of the whole query."""

    source: Source
    start: int
    end: int
    step: int
    lookback: int
    spending: Spending
    subquery_step: int = MINUTE_MS
    remarks: Annotations = field(default_factory=Annotations)

    def evaluate(self, expr: Expr, times: Ints) -> Value:
        """The value of the expression at each of the times."""
        self.spending.check_deadline()
        with np.errstate(all="ignore"):  # infinities and NaN are values like others
            value = self._evaluate(expr, times)
        if isinstance(value, Vector):
            self.spending.make(*value.values.shape)
        return value

    def vector(self, expr: Expr, times: Ints) -> Vector:
        """The value of an expression that is known to be a vector."""
        value = self.evaluate(expr, times)
        if not isinstance(value, Vector):
            raise BadQuery(f"an instant vector is needed, not a {type(value).__name__.lower()}")
        return value

    def scalar(self, expr: Expr, times: Ints) -> Scalar:
        """The value of an expression that is known to be a scalar."""
        value = self.evaluate(expr, times)
        if not isinstance(value, Scalar):
            raise BadQuery(f"a scalar is needed, not a {type(value).__name__.lower()}")
        return value

    def _evaluate(self, expr: Expr, times: Ints) -> Value:
        match expr:
            case Number():
                return Scalar(np.full(len(times), expr.value))
            case Text():
                return TextValue(expr.value)
            case VectorSelector():
                return self._selector(expr, times)
            case Call():
                return call(self, expr, times)
            case Aggregate():
                return self._aggregate(expr, times)
            case Negation():
                value = self.evaluate(expr.expr, times)
                return Scalar(-value.values) if isinstance(value, Scalar) else negated(self._as_vector(value))
            case Binary():
                return self._binary(expr, times)
        raise BadQuery("a range vector can only be the argument of a function, or the whole of an instant query")

    @staticmethod
    def _as_vector(value: Value) -> Vector:
        if not isinstance(value, Vector):
            raise BadQuery("strings and range vectors can't be calculated with")
        return value

    def duration(self, duration: Duration) -> int:
        """Milliseconds of a duration in this query."""
        return milliseconds_of(duration, self.step, self.end - self.start)

    def span(self, duration: Duration) -> int:
        """Milliseconds of a duration that must not be zero or less."""
        found = self.duration(duration)
        if found <= 0:
            raise BadQuery("a range or a step of a subquery must be greater than 0")
        return found

    def pinned(self, modifiers: Modifiers) -> int | None:
        """The instant of `@`, if there is one."""
        if modifiers.at is None:
            return None
        return {"start": self.start, "end": self.end}[modifiers.at] if isinstance(modifiers.at, str) else modifiers.at

    def reference(self, modifiers: Modifiers, times: Ints) -> Ints:
        """When the selector looks, by step."""
        pinned = self.pinned(modifiers)
        at = times if pinned is None else np.full(len(times), pinned, np.int64)
        return at - self.duration(modifiers.offset)

    def selection(self, selector: VectorSelector, start: int, end: int) -> Selection:
        """The selector's series with their samples in (start, end], counted."""
        found = select(self.source, selector.matchers, selector.alternatives, start, end)
        samples = found.apart.samples(start, end) if found.apart is not None else _samples_in(found.blocks, start, end)
        self.spending.touch(len(found.series), samples)
        return found

    def _selector(self, selector: VectorSelector, times: Ints, times_instead: bool = False) -> Vector:
        at = self.reference(selector.modifiers, times)
        first, last = int(at[0]), int(at[-1])
        if selector.modifiers.anchored:
            raise BadQuery("'anchored' can stand behind a range only")
        if not selector.modifiers.smoothed:
            found = self.selection(selector, first - self.lookback, last)
            self.spending.foresee(len(found.series), len(times))
            return values_at(found, at, self.lookback, times_instead)
        found = self.selection(selector, first - self.lookback, last + self.lookback)
        around = windows(found, at - self.lookback, at, times, self.spending.check_deadline, (0, self.lookback))
        values, present = scattered(
            len(found.series), len(times), [(one.rows, *smoothed_values(one)) for one in around]
        )
        return Vector(found.series, values, present, np.zeros(len(found.series), np.bool_))

    def sample_times(self, selector: VectorSelector, times: Ints) -> Vector:
        """When the samples that a selector sees were taken, in seconds."""
        return self._selector(selector, times, times_instead=True)

    def ranges(self, expr: Expr, times: Ints, own_times: bool = False) -> Ranges:
        """The windows that a range selector or a subquery looks through; `own_times`: see `windows`."""
        if isinstance(expr, RangeSelector):
            modifiers = expr.selector.modifiers
            end = self.reference(modifiers, times)
            start = end - self.span(expr.range)
            before = self.lookback if modifiers.anchored or modifiers.smoothed else 0
            after = self.lookback if modifiers.smoothed else 0
            found = self.selection(expr.selector, int(start[0]) - before, int(end[-1]) + after)
            self.spending.foresee(len(found.series), len(times))
            looked = windows(found, start, end, times, self.spending.check_deadline, (before, after), own_times)
            return Ranges(found.series, looked, np.zeros(len(found.series), np.bool_))
        if not isinstance(expr, Subquery):
            raise BadQuery("a range vector is needed")
        return self._subquery(expr, times)

    def _subquery(self, expr: Subquery, times: Ints) -> Ranges:
        end = self.reference(expr.modifiers, times)
        start = end - self.span(expr.range)
        step = self.subquery_step if expr.step is None else self.span(expr.step)
        inner_start = (int(start[0]) // step + 1) * step
        count = max((int(end[-1]) - inner_start) // step + 1, 0)
        if not count:
            return Ranges(EMPTY, [], np.zeros(0, np.bool_))
        self.spending.foresee(0, count)
        inner_times = inner_start + np.arange(count) * step
        inner = self.vector(expr.expr, inner_times)
        found = Selection(inner.series, blocks_of(inner, inner_times))
        return Ranges(inner.series, windows(found, start, end, times, self.spending.check_deadline), inner.dropped)

    def _aggregate(self, expr: Aggregate, times: Ints) -> Vector:
        names, without = expr.labels, expr.without
        if expr.op == "count_values":
            assert isinstance(expr.param, Text)
            return count_values(expr.param.value, self.vector(expr.expr, times), without, names)
        param = None if expr.param is None else self.scalar(expr.param, times)
        vector = self.vector(expr.expr, times)
        if expr.op not in ("topk", "bottomk", "limitk", "limit_ratio"):
            if not len(vector):
                return self._empty_aggregate(expr, param, times)
            return aggregate(expr.op, vector, without, names, param, self.remarks)
        assert param is not None
        if expr.op == "limit_ratio":
            return limit_ratio(vector, param, self.remarks)
        grouping = vector.series.grouping(without, names)
        return limit(vector, grouping, param) if expr.op == "limitk" else extreme(expr.op, vector, grouping, param)

    def _empty_aggregate(self, expr: Aggregate, param: Scalar | None, times: Ints) -> Vector:
        if expr.op == "quantile":
            aggregate(expr.op, empty_vector(len(times)), expr.without, expr.labels, param, self.remarks)
        return empty_vector(len(times))

    def _binary(self, expr: Binary, times: Ints) -> Value:
        left, right = self.evaluate(expr.left, times), self.evaluate(expr.right, times)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return scalars(expr.op, left, right)
        if isinstance(left, Vector) and isinstance(right, Vector):
            if expr.op in SET_OPERATORS:
                return set_operation(expr.op, left, right, expr.matching)
            return both_vectors(expr.op, left, right, expr.matching, expr.return_bool)
        if expr.op in SET_OPERATORS:
            raise BadQuery(f"{expr.op!r} needs a vector on both sides")
        if isinstance(left, Vector) and isinstance(right, Scalar):
            return vector_with_scalar(expr.op, left, right, False, expr.return_bool)
        if isinstance(left, Scalar) and isinstance(right, Vector):
            return vector_with_scalar(expr.op, right, left, True, expr.return_bool)
        raise BadQuery("strings and range vectors can't be calculated with")
