"""The call of info(): which info series it needs, and when it looks at them."""

from typing import TYPE_CHECKING

import numpy as np

from shared.promql.errors import BadQuery
from shared.promql.expressions import Call, Expr, Subquery, VectorSelector
from shared.promql.info_function import data_matchers, enriched, identity, is_info, name_matchers, selector_paths
from shared.promql.matching import Matcher
from shared.promql.selecting import select, values_at
from shared.promql.series_sets import Ints, SeriesSet
from shared.promql.source import Block, Selection
from shared.promql.values import Vector

if TYPE_CHECKING:
    from shared.promql.engine import Engine


def call_info(engine: "Engine", expr: Call, times: Ints) -> Vector:
    """The value of info() at each step."""
    base = engine.vector(expr.args[0], times)
    selector = expr.args[1] if len(expr.args) > 1 else None
    if selector is not None and not isinstance(selector, VectorSelector):
        raise BadQuery("the second argument of info must be label matchers in braces")
    names, data = name_matchers(selector), data_matchers(selector)
    wanted = {identity(labels) for labels in base.series if not is_info(labels, names)} - {("", "")}
    at = _info_instants(engine, expr.args[0], times)
    selection = _info_selection(engine, (*names, *data), wanted, at)
    infos = values_at(selection, at, engine.lookback)
    seen = values_at(selection, at, engine.lookback, times_instead=True)
    return enriched(base, infos, seen.values, names, data)


def _info_instants(engine: "Engine", expr: Expr, times: Ints) -> Ints:
    """When info series are looked at: as the selectors in the argument do, if they agree."""
    shifts = set()
    for path in selector_paths(expr):
        at, offset = None, 0
        for one in reversed(path):
            if isinstance(one, VectorSelector | Subquery) and at is None:
                at = engine.pinned(one.modifiers)
                offset += engine.duration(one.modifiers.offset)
        shifts.add((None, offset) if at is None else (at - offset, 0))
    if len(shifts) != 1:
        return times
    at, offset = shifts.pop()
    return times - offset if at is None else np.full(len(times), at, np.int64)


def _info_selection(engine: "Engine", matchers: tuple[Matcher, ...], wanted: set[tuple[str, ...]],
                    at: Ints) -> Selection:  # fmt: skip
    """The info series that share identifying labels with any series."""
    if not wanted:
        return Selection(SeriesSet([]), [])
    found = select(engine.source, matchers, (), int(at[0]) - engine.lookback, int(at[-1]))
    kept = np.array([identity(labels) in wanted for labels in found.series], np.bool_)
    engine.spending.touch(int(kept.sum()), int(kept.sum()) * len(at))
    numbers = np.cumsum(kept) - 1
    blocks = []
    for block in found.blocks:
        places = np.flatnonzero(kept[block.rows])
        if len(places):
            blocks.append(Block(numbers[block.rows[places]], block.times, block.values[places], block.marked))
    return Selection(found.series.take(np.flatnonzero(kept)), blocks)
