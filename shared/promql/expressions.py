"""The parts of a PromQL expression, as values. Parsing makes them, evaluation walks them, printing writes them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from shared.promql.duration_expressions import Duration
from shared.promql.matching import Matcher

ValueType = Literal["scalar", "vector", "matrix", "string"]
Cardinality = Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]


@dataclass(frozen=True)
class Modifiers:
    """What stands behind a selector or subquery. `at` is milliseconds, or the query's start or end."""

    offset: Duration = 0
    at: int | Literal["start", "end"] | None = None
    anchored: bool = False
    smoothed: bool = False


PLAIN = Modifiers()


@dataclass(frozen=True)
class Number:
    """A scalar literal."""

    value: float


@dataclass(frozen=True)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True)
class VectorSelector:
    """Series by their labels: all that satisfy `matchers` and, where there are any, one of the `alternatives`."""

    matchers: tuple[Matcher, ...]
    alternatives: tuple[tuple[Matcher, ...], ...] = ()
    modifiers: Modifiers = PLAIN


@dataclass(frozen=True)
class RangeSelector:
    """The samples of a selector in a window that ends at the instant, open on its left."""

    selector: VectorSelector
    range: Duration


@dataclass(frozen=True)
class Subquery:
    """The results of an expression at the multiples of `step` in a window."""

    expr: "Expr"
    range: Duration
    step: Duration | None
    modifiers: Modifiers = PLAIN


@dataclass(frozen=True)
class Call:
    """A function applied to arguments."""

    name: str
    args: tuple["Expr", ...]
    returns: ValueType


@dataclass(frozen=True)
class Aggregate:
    """An aggregation; `without` tells what `labels` mean."""

    op: str
    expr: "Expr"
    param: "Expr | None" = None
    labels: tuple[str, ...] = ()
    without: bool = False


@dataclass(frozen=True)
class Matching:
    """Which elements of two vectors belong together, and what stands in for a missing one."""

    cardinality: Cardinality = "one-to-one"
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True)
class Binary:
    """An operator between two expressions."""

    op: str
    left: "Expr"
    right: "Expr"
    return_bool: bool = False
    matching: Matching = field(default_factory=Matching)


@dataclass(frozen=True)
class Negation:
    """The unary minus."""

    expr: "Expr"


Expr = Number | Text | VectorSelector | RangeSelector | Subquery | Call | Aggregate | Binary | Negation

ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})


def value_type(expr: Expr) -> ValueType:
    """What evaluating it gives."""
    match expr:
        case Number():
            return "scalar"
        case Text():
            return "string"
        case RangeSelector() | Subquery():
            return "matrix"
        case Call():
            return expr.returns
        case Negation():
            return value_type(expr.expr)
        case Binary():
            both = {value_type(expr.left), value_type(expr.right)}
            return "scalar" if both == {"scalar"} else "vector"
    return "vector"


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside."""
    match expr:
        case RangeSelector():
            return (expr.selector,)
        case Subquery() | Negation():
            return (expr.expr,)
        case Call():
            return expr.args
        case Aggregate():
            return (expr.expr,) if expr.param is None else (expr.param, expr.expr)
        case Binary():
            return (expr.left, expr.right)
    return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything inside it, parents first."""
    waiting = [expr]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(children(one)))
