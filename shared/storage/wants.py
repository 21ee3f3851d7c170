"""Which samples a query or a rule group needs to be evaluated over a stretch of time."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from shared.promql.errors import BadQuery
from shared.promql.expressions import Call, VectorSelector, walk
from shared.promql.info_function import data_matchers, name_matchers
from shared.promql.matching import Selector
from shared.promql.query import DEFAULT_OPTIONS, Options, Query, compile_query
from shared.promql.reach import looks
from shared.rules.expansion import is_template, known_queries
from shared.rules.plan import GroupPlan
from shared.rules.templates import BadTemplate

Range = tuple[int, int]
"""(start, end], ms."""

# Stands for a label value that is filled into a template's query later; no series has it.
_FILLED_IN = "\ufffffilled in\uffff"


class Want(NamedTuple):
    """The samples in (start, end] (ms) of the series that any of the selectors selects."""

    selectors: tuple[Selector, ...]
    start_ms: int
    end_ms: int


def wants_of(
    query: Query, first_ms: int, last_ms: int, options: Options = DEFAULT_OPTIONS, step_ms: int = 0
) -> list[Want]:
    """What the query needs to be answered at any instants from `first_ms` to `last_ms`; `step_ms` where that is to be
    one range query."""
    span_ms = last_ms - first_ms if step_ms else 0
    early, late = (looks(query, instant, options.lookback_ms, step_ms, span_ms) for instant in (first_ms, last_ms))
    wants = [
        Want(one.selectors, min(one.start_ms, other.start_ms), max(one.end_ms, other.end_ms))
        for one, other in zip(early, late, strict=True)
    ]
    start = min((want.start_ms for want in wants), default=first_ms - options.lookback_ms)
    end = max((want.end_ms for want in wants), default=last_ms)
    return wants + [Want((one,), start, end) for one in _info_series(query)]


def wants_of_group(group: GroupPlan, first_ms: int, last_ms: int, options: Options = DEFAULT_OPTIONS) -> list[Want]:
    """What the group's rules need at its instants from `first_ms` to `last_ms`, their templates' queries included as
    far as these are known beforehand."""
    offset = group.query_offset_ms
    wants = [
        want for rule in group.rules for want in wants_of(rule.query, first_ms - offset, last_ms - offset, options)
    ]
    if group.immediate:  # its rules are also evaluated when such samples come, wherever they look
        wants += [Want(rule.query.selectors, first_ms - 1, last_ms) for rule in group.rules]
    for rule in group.rules:
        for query in _template_queries(rule.texts):
            wants += [
                Want(tuple(filter(None, map(_known_part, want.selectors))), want.start_ms, want.end_ms)
                for want in wants_of(query, first_ms, last_ms, options)
            ]
    return [want for want in wants if want.selectors]


def ranges_by_selector(wants: Iterable[Want]) -> dict[Selector, tuple[Range, ...]]:
    """For each selector what is wanted of it, in order of time; what overlaps or touches is joined."""
    wanted: dict[Selector, list[Range]] = {}
    for selectors, start, end in wants:
        for selector in selectors if end > start else ():
            wanted.setdefault(selector, []).append((start, end))
    return {selector: joined(ranges) for selector, ranges in wanted.items()}


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same stretches of time without overlaps, in order."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def covering(
    ranges: Mapping[Selector, tuple[Range, ...]], selector: Selector, start_ms: int, end_ms: int
) -> Selector | None:
    """The selector among `ranges` that selects whatever `selector` does, loaded for all of (start, end]."""

    def covered(one: Selector) -> bool:
        return end_ms <= start_ms or any(lo <= start_ms and end_ms <= hi for lo, hi in ranges[one])

    if selector in ranges:
        return selector if covered(selector) else None
    asked = set(selector.matchers)
    return next((one for one in ranges if asked.issuperset(one.matchers) and covered(one)), None)


def _info_series(query: Query) -> Iterator[Selector]:
    """What calls of info() look up beside their argument's series."""
    for one in walk(query.expr):
        if isinstance(one, Call) and one.name == "info":
            selector = one.args[1] if len(one.args) > 1 else None
            if isinstance(selector, VectorSelector | None):
                yield Selector((*name_matchers(selector), *data_matchers(selector)))


def _template_queries(texts: Iterable[str]) -> Iterator[Query]:
    for text in texts:
        try:
            known = known_queries(text) if is_template(text) else ()
        except BadTemplate:
            continue  # it expands to its error, whatever there is
        for query in known:
            if query is not None:
                try:
                    yield compile_query(query.replace("%q", f'"{_FILLED_IN}"'))
                except BadQuery:
                    continue  # the same


def _known_part(selector: Selector) -> Selector | None:
    """The selector without what is filled in later; None if nothing is left of it."""
    kept = tuple(one for one in selector.matchers if _FILLED_IN not in one.value)
    return Selector(kept) if any(not one.matches("") for one in kept) else None
