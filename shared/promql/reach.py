"""How far a query looks: for each selector the stretch of time that it needs samples of."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.promql.duration_expressions import Duration, milliseconds_of
from shared.promql.expressions import Expr, RangeSelector, Subquery, VectorSelector, children
from shared.promql.matching import Selector
from shared.promql.query import Query


class Look(NamedTuple):
    """A selector, and the left-open stretch (start, end] that it looks at; `pinned` by an `@` to a fixed time. Ms."""

    selector: VectorSelector
    start_ms: int
    end_ms: int
    pinned: bool

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """The same as plain selectors: one for each alternative."""
        one = self.selector
        return tuple(Selector((*one.matchers, *some)) for some in one.alternatives or ((),))


def looks(query: Query, instant_ms: int, lookback_ms: int, step_ms: int = 0, range_ms: int = 0) -> tuple[Look, ...]:
    """Where the query looks at an instant, each of its selectors once for each place in the expression. `step_ms` and
    `range_ms` are those of a range query, for durations that name them."""
    within = (step_ms, range_ms)
    return tuple(_looks(query.expr, instant_ms, instant_ms, instant_ms, lookback_ms, within, pinned=False))


def reach_ms(query: Query, lookback_ms: int) -> int:
    """How far before an instant the query looks at most, `@` to a fixed time left out."""
    return max((-look.start_ms for look in looks(query, 0, lookback_ms) if not look.pinned), default=0)


def is_pinned(query: Query) -> bool:
    """Whether it looks at a fixed time, wherever the instant is."""
    return any(look.pinned for look in looks(query, 0, 0))


def _looks(
    expr: Expr,
    first_ms: int,
    last_ms: int,
    instant_ms: int,
    lookback_ms: int,
    within: tuple[int, int],
    *,
    pinned: bool,
) -> Iterator[Look]:
    """The selectors in an expression that is evaluated from `first_ms` to `last_ms`."""

    def shifted(offset: Duration, at: int | str | None) -> tuple[int, int, bool]:
        back = milliseconds_of(offset, *within)
        if at is None:
            return first_ms - back, last_ms - back, pinned
        fixed = isinstance(at, int)
        base = at if isinstance(at, int) else instant_ms
        return base - back, base - back, fixed

    match expr:
        case VectorSelector():
            first, last, fixed = shifted(expr.modifiers.offset, expr.modifiers.at)
            yield Look(expr, first - lookback_ms, last + (lookback_ms if expr.modifiers.smoothed else 0), fixed)
        case RangeSelector():
            modifiers = expr.selector.modifiers
            first, last, fixed = shifted(modifiers.offset, modifiers.at)
            # An extended range also needs the sample before it, a smoothed one that after it, within the lookback.
            before = lookback_ms if modifiers.anchored or modifiers.smoothed else 0
            after = lookback_ms if modifiers.smoothed else 0
            yield Look(expr.selector, first - milliseconds_of(expr.range, *within) - before, last + after, fixed)
        case Subquery():
            first, last, fixed = shifted(expr.modifiers.offset, expr.modifiers.at)
            start = first - milliseconds_of(expr.range, *within)
            yield from _looks(expr.expr, start, last, instant_ms, lookback_ms, within, pinned=fixed)
        case _:
            for one in children(expr):
                yield from _looks(one, first_ms, last_ms, instant_ms, lookback_ms, within, pinned=pinned)
