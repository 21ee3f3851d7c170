"""The value of every part of an expression at one instant: what an explanation is made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from shared.messages.series import NAME
from shared.promql.errors import BadQuery, QueryFailed
from shared.promql.expressions import (
    COMPARISONS,
    Binary,
    Call,
    Expr,
    Number,
    RangeSelector,
    Subquery,
    Text,
    ValueType,
    VectorSelector,
    children,
    value_type,
)
from shared.promql.matching import Selector
from shared.promql.printing import write_expression
from shared.promql.query import Matrix, Options, Query, Scalar, Vector
from shared.promql.reach import looks
from shared.promql.series_sets import Labels, without_labels
from shared.promql.source import Source
from shared.promql.values import Text as TextValue
from shared.promql.values import Value
from shared.rules.explain_comparison import MOST_SHOWN, About, Comparison, comparison_of, is_about, pairs_of

MOST_SAMPLES = 10
MOST_NODES = 200


class Element(NamedTuple):
    """One element of a vector. `taken_ms` is the time of its sample, where it is one."""

    labels: dict[str, str]
    value: float
    taken_ms: int | None = None


class Row(NamedTuple):
    """One series of a range vector: its newest samples (time in ms, value), and how many there are."""

    labels: dict[str, str]
    samples: list[tuple[int, float]]
    total: int


class Stock(NamedTuple):
    """What history holds of a selector's series: how many, and their newest sample until the instant."""

    series: int
    newest_ms: int | None = None
    ended: bool = False
    """Whether that is a staleness marker."""


@dataclass(frozen=True)
class Missing:
    """A selector that found nothing where it looked, (start, end] in ms. `stock` is None until it is asked for."""

    selectors: tuple[Selector, ...]
    start_ms: int
    end_ms: int
    stock: Stock | None = None


@dataclass(frozen=True)
class Node:
    """A part of an expression and what it evaluates to. Only what its type has is there."""

    expr: Expr
    text: str
    type: ValueType
    at_ms: int
    """When it was evaluated: inside a subquery its last step."""
    number: float | None = None
    string: str | None = None
    elements: list[Element] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    total: int = 0
    """Elements or series in all; at most `MOST_SHOWN` are listed."""
    samples: int = 0
    """Samples in all series of a range vector."""
    comparison: Comparison | None = None
    missing: Missing | None = None
    error: str | None = None
    children: tuple["Node", ...] = ()
    left_out: int = 0
    """Parts that are not shown because the expression has too many."""


def tree_of(expr: Expr, source: Source, at_ms: int, options: Options, about: About = ()) -> Node:
    """The expression and its parts, each evaluated at the instant. QueryRefused if that costs more than is allowed."""
    return _Looking(source, options, about).node(expr, at_ms)


def nodes(tree: Node) -> Iterator[Node]:
    """The tree's nodes, parents first."""
    yield tree
    for one in tree.children:
        yield from nodes(one)


def stocked(tree: Node, stock: Mapping[tuple[Selector, ...], Stock]) -> Node:
    """The tree with what history holds of the selectors that found nothing."""
    missing = tree.missing
    if missing is not None:
        missing = replace(missing, stock=stock.get(missing.selectors))
    return replace(tree, missing=missing, children=tuple(stocked(one, stock) for one in tree.children))


class _Looking:
    def __init__(self, source: Source, options: Options, about: About) -> None:
        self._source, self._options, self._about = source, options, about
        self._left = MOST_NODES

    def node(self, expr: Expr, at_ms: int) -> Node:
        self._left -= 1
        node = self._evaluated(expr, at_ms)
        inner = _reference(expr, at_ms) if isinstance(expr, Subquery) else at_ms
        parts, shown = list(_parts(expr)), list[Node]()
        for number, one in enumerate(parts):
            if self._left <= 0:
                return replace(node, children=tuple(shown), left_out=len(parts) - number)
            shown.append(self.node(one, inner))
        return replace(node, children=tuple(shown))

    def _evaluated(self, expr: Expr, at_ms: int) -> Node:
        bare = Node(expr, write_expression(expr), value_type(expr), at_ms)
        try:
            value = Query(expr).instant(self._source, at_ms, self._options).value
            if isinstance(value, Scalar):
                return replace(bare, number=float(value.values[0]))
            if isinstance(value, TextValue):
                return replace(bare, string=value.value)
            node = self._range(bare, value) if isinstance(value, Matrix) else self._vector(bare, value)
            if isinstance(expr, Binary) and expr.op in COMPARISONS and not expr.return_bool:
                left, right = (self._value(one, at_ms) for one in (expr.left, expr.right))
                return replace(node, comparison=comparison_of(expr, left, right, self._about))
            return node
        except (BadQuery, QueryFailed) as error:
            return replace(bare, error=str(error))

    def _vector(self, bare: Node, value: Vector) -> Node:
        expr = bare.expr
        pairs = pairs_of(value)
        taken: dict[Labels, int] = {}
        if isinstance(expr, VectorSelector) and pairs:
            call = Call("timestamp", (expr,), "vector")
            times = Query(call).instant(self._source, bare.at_ms, self._options).value
            assert isinstance(times, Vector)
            taken = {labels: round(seconds * 1000) for labels, seconds in pairs_of(times)}
        found = [
            Element(dict(labels), number, taken.get(without_labels(labels, (NAME,))))
            for labels, number in pairs
            if is_about(dict(labels), self._about)
        ]
        missing = self._missing(expr, bare.at_ms) if isinstance(expr, VectorSelector) and not pairs else None
        return replace(bare, elements=found[:MOST_SHOWN], total=len(pairs), missing=missing)

    def _range(self, bare: Node, value: Matrix) -> Node:
        rows, count = list[Row](), 0
        for one in value.samples:
            count += len(one.times)
            labels = dict(value.series[one.row])
            if len(rows) < MOST_SHOWN and is_about(labels, self._about):
                newest = slice(max(len(one.times) - MOST_SAMPLES, 0), None)
                pairs = list(zip(one.times[newest].tolist(), one.values[newest].tolist(), strict=True))
                rows.append(Row(labels, pairs, len(one.times)))
        expr = bare.expr
        missing = self._missing(expr, bare.at_ms) if isinstance(expr, RangeSelector) and not count else None
        return replace(bare, rows=rows, total=len(value.samples), samples=count, missing=missing)

    def _missing(self, expr: Expr, at_ms: int) -> Missing:
        (look,) = looks(Query(expr), at_ms, self._options.lookback_ms)
        return Missing(look.selectors, look.start_ms, look.end_ms)

    def _value(self, expr: Expr, at_ms: int) -> Value:
        return Query(expr).instant(self._source, at_ms, self._options).value


def _parts(expr: Expr) -> Iterator[Expr]:
    """What is worth showing of an expression's parts: literals speak for themselves, a range for its selector."""
    if isinstance(expr, RangeSelector):
        return
    for one in children(expr):
        if not isinstance(one, Number | Text):
            yield one


def _reference(expr: Subquery, at_ms: int) -> int:
    """The last instant at which a subquery evaluates what is inside of it, without regard to its step."""
    modifiers = expr.modifiers
    offset = modifiers.offset if isinstance(modifiers.offset, int) else 0
    return (modifiers.at if isinstance(modifiers.at, int) else at_ms) - offset
