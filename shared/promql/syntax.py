"""From text to what is evaluated: `selector comparison number`, parsed by the `promql-parser` package.

The number may stand on either side. Other PromQL is well formed but refused by its name until the engine takes it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, get_args

import promql_parser

from shared.messages.series import NAME
from shared.promql.errors import BadQuery
from shared.promql.matching import Matcher, MatchOp, Selector, check_pattern

ComparisonOp = Literal["==", "!=", ">", "<", ">=", "<="]
LONGEST_EXPRESSION = 8_192
DEEPEST_NESTING = 200

_MIRRORED: dict[ComparisonOp, ComparisonOp] = {"==": "==", "!=": "!=", ">": "<", "<": ">", ">=": "<=", "<=": ">="}
# By text, for the parser's own enumeration can't be a dictionary's key.
_MATCH_OPS: dict[str, MatchOp] = {
    str(promql_parser.MatchOp.Equal): "=",
    str(promql_parser.MatchOp.NotEqual): "!=",
    str(promql_parser.MatchOp.Re): "=~",
    str(promql_parser.MatchOp.NotRe): "!~",
}


@dataclass(frozen=True)
class Comparison:
    """The series of `selector` whose value stands in relation `op` to `number` (the number on the right)."""

    selector: Selector
    op: ComparisonOp
    number: float

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """All selectors of the query: which series it needs."""
        return (self.selector,)


Query = Comparison


@lru_cache(maxsize=16_384)
def parse(expr: str) -> Query:
    """The query in `expr`. BadQuery with the reason if it is none, or none that this version evaluates."""
    tree = _strip(_tree(expr))
    if not isinstance(tree, promql_parser.BinaryExpr):
        raise _unsupported(_name(tree))
    op = str(tree.op)
    if op not in get_args(ComparisonOp):
        raise _unsupported(f"the operator {op!r}")
    comparison = cast(ComparisonOp, op)
    if tree.modifier is not None and tree.modifier.return_bool:
        raise _unsupported("the modifier 'bool'")
    left, right = _strip(tree.lhs), _strip(tree.rhs)
    if isinstance(left, promql_parser.NumberLiteral) and isinstance(right, promql_parser.VectorSelector):
        return Comparison(_selector(right), _MIRRORED[comparison], left.val)
    if isinstance(left, promql_parser.VectorSelector) and isinstance(right, promql_parser.NumberLiteral):
        return Comparison(_selector(left), comparison, right.val)
    if isinstance(left, promql_parser.VectorSelector) and isinstance(right, promql_parser.VectorSelector):
        raise _unsupported("a comparison of two selectors")
    odd = next(
        side
        for side in (left, right)
        if not isinstance(side, promql_parser.VectorSelector | promql_parser.NumberLiteral)
    )
    raise _unsupported(_name(odd))


def _tree(expr: str) -> promql_parser.Expr:
    if len(expr) > LONGEST_EXPRESSION:
        raise BadQuery(f"the expression has {len(expr)} characters: at most {LONGEST_EXPRESSION}")
    if _nesting(expr) > DEEPEST_NESTING:
        raise BadQuery(f"the expression is nested more than {DEEPEST_NESTING} deep")
    try:
        return promql_parser.parse(expr)
    except RecursionError as error:
        raise BadQuery("the expression is nested too deep") from error
    except ValueError as error:
        raise BadQuery(f"{expr[:200]!r} is not PromQL: {error}") from error


def _nesting(expr: str) -> int:
    """How deep brackets nest, outside of strings: the parser itself recurses without a limit."""
    depth = deepest = 0
    quote, escaped = "", False
    for char in expr:
        if quote:
            if not escaped and char == quote:
                quote = ""
            escaped = char == "\\" and not escaped and quote != "`"
        elif char in "\"'`":
            quote = char
        elif char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth -= 1
    return deepest


def _strip(tree: promql_parser.Expr) -> promql_parser.Expr:
    while isinstance(tree, promql_parser.ParenExpr):
        tree = tree.expr
    return tree


def _selector(tree: promql_parser.VectorSelector) -> Selector:
    if tree.offset is not None:
        raise _unsupported("the modifier 'offset'")
    if tree.at is not None:
        raise _unsupported("the modifier '@'")
    if tree.matchers.or_matchers:
        raise _unsupported("'or' between label matchers")
    matchers = [Matcher(NAME, "=", tree.name)] if tree.name else []
    for one in tree.matchers.matchers:
        op = _MATCH_OPS[str(one.op)]
        if op in ("=~", "!~"):
            check_pattern(one.value)
        matchers.append(Matcher(one.name, op, one.value))
    return Selector(tuple(matchers))


def _name(tree: promql_parser.Expr) -> str:
    """What a person calls this kind of expression."""
    match tree:
        case promql_parser.Call():
            return f"the function {tree.func.name!r}"
        case promql_parser.AggregateExpr():
            return f"the aggregation {str(tree.op)!r}"
        case promql_parser.BinaryExpr():
            return f"the operator {str(tree.op)!r}"
        case promql_parser.UnaryExpr():
            return "the unary minus"
        case promql_parser.MatrixSelector():
            return "a range selector such as 'm[5m]'"
        case promql_parser.SubqueryExpr():
            return "a subquery"
        case promql_parser.StringLiteral():
            return "a string"
        case promql_parser.NumberLiteral():
            return "an expression of numbers alone"
        case promql_parser.VectorSelector():
            return "a selector without a comparison"
    return f"an expression of the kind {type(tree).__name__}"


def _unsupported(what: str) -> BadQuery:
    return BadQuery(
        f"{what} is not supported by this version: it evaluates `selector comparison number`, e.g. "
        '`custom_metric{type="business"} > 100`'
    )
