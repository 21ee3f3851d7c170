"""From text to an expression: the pre-pass, then the `promql-parser` package, then its tree made into our values."""

from datetime import timedelta
from functools import lru_cache

import promql_parser

from shared.messages.series import NAME
from shared.promql.duration_expressions import Duration
from shared.promql.errors import BadQuery
from shared.promql.expressions import (
    ARITHMETIC,
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Cardinality,
    Expr,
    Matching,
    Modifiers,
    Negation,
    Number,
    RangeSelector,
    Subquery,
    Text,
    ValueType,
    VectorSelector,
    value_type,
)
from shared.promql.matching import Matcher, MatchOp, check_pattern
from shared.promql.prepass import FILLER, LIFTED, Lifted, lift

LONGEST_EXPRESSION = 65_536
DEEPEST_NESTING = 100

# By text, for the parser's own enumerations can't be a dictionary's keys.
_MATCH_OPS: dict[str, MatchOp] = {
    str(promql_parser.MatchOp.Equal): "=",
    str(promql_parser.MatchOp.NotEqual): "!=",
    str(promql_parser.MatchOp.Re): "=~",
    str(promql_parser.MatchOp.NotRe): "!~",
}
_CARDINALITIES: dict[str, Cardinality] = {
    str(promql_parser.VectorMatchCardinality.OneToOne): "one-to-one",
    str(promql_parser.VectorMatchCardinality.ManyToOne): "many-to-one",
    str(promql_parser.VectorMatchCardinality.OneToMany): "one-to-many",
    str(promql_parser.VectorMatchCardinality.ManyToMany): "many-to-many",
}
_TYPES: dict[str, ValueType] = {
    str(promql_parser.ValueType.Scalar): "scalar",
    str(promql_parser.ValueType.Vector): "vector",
    str(promql_parser.ValueType.Matrix): "matrix",
    str(promql_parser.ValueType.String): "string",
}
_ON = str(promql_parser.LabelModifierType.Include)
_BY = str(promql_parser.AggModifierType.By)
_ANCHORED = frozenset({"changes", "delta", "increase", "rate", "resets"})
_SMOOTHED = frozenset({"delta", "increase", "rate"})


@lru_cache(maxsize=16_384)
def parse_expression(expr: str) -> Expr:
    """The expression in the text. BadQuery with the reason if it is none, or none that this engine evaluates."""
    if len(expr) > LONGEST_EXPRESSION:
        raise BadQuery(f"the expression has {len(expr)} characters: at most {LONGEST_EXPRESSION}")
    lifted = lift(expr)
    # The package recurses without a limit of its own, so depth is bounded before it sees the text.
    if _most_nested(lifted.text) > 5 * DEEPEST_NESTING:
        raise BadQuery(f"the expression is nested more than {DEEPEST_NESTING} deep")
    try:
        tree = promql_parser.parse(lifted.text)
    except ValueError as error:
        raise BadQuery(f"{expr[:200]!r} is not PromQL: {error}") from error
    return _Conversion(lifted).expr(tree, 0)


class _Conversion:
    """The package's tree made into our values."""

    def __init__(self, lifted: Lifted) -> None:
        self._lifted = lifted

    def expr(self, tree: promql_parser.Expr, depth: int) -> Expr:
        while isinstance(tree, promql_parser.ParenExpr):
            tree = tree.expr
        if depth > DEEPEST_NESTING:
            raise BadQuery(f"the expression is nested more than {DEEPEST_NESTING} deep")
        match tree:
            case promql_parser.NumberLiteral():
                return Number(tree.val)
            case promql_parser.StringLiteral():
                return Text(tree.val)
            case promql_parser.VectorSelector():
                return self._selector(tree)
            case promql_parser.MatrixSelector():
                return RangeSelector(self._selector(tree.vector_selector), self._duration(tree.range))
        return self._with_operands(tree, depth)

    def _with_operands(self, tree: promql_parser.Expr, depth: int) -> Expr:
        match tree:
            case promql_parser.SubqueryExpr():
                return self._subquery(tree, depth)
            case promql_parser.Call():
                return self._call(tree, depth)
            case promql_parser.AggregateExpr():
                return self._aggregate(tree, depth)
            case promql_parser.UnaryExpr():
                return Negation(self.expr(tree.expr, depth + 1))
            case promql_parser.BinaryExpr():
                return self._binary(tree, depth)
        raise BadQuery(f"an expression of the kind {type(tree).__name__} is not supported")

    def _duration(self, placeholder: timedelta) -> Duration:
        return self._lifted.durations[round(placeholder.total_seconds()) - 1]

    def _modifiers(self, tree: promql_parser.VectorSelector | promql_parser.SubqueryExpr) -> Modifiers:
        if tree.offset is None:
            return Modifiers()
        return self._lifted.modifiers[round(tree.offset.total_seconds()) - 1]

    def _selector(self, tree: promql_parser.VectorSelector, may_be_empty: bool = False) -> VectorSelector:
        matchers = [Matcher(NAME, "=", tree.name)] if tree.name else []
        matchers += [self._matcher(one) for one in tree.matchers.matchers if one.name != FILLER]
        alternatives = tuple(
            tuple(self._matcher(one) for one in some if one.name != FILLER) for some in tree.matchers.or_matchers
        )
        for some in alternatives or ((),):
            if not may_be_empty and all(one.matches("") for one in (*matchers, *some)):
                raise BadQuery("a selector must hold at least one matcher that an empty label does not satisfy")
        return VectorSelector(tuple(matchers), alternatives, self._modifiers(tree))

    def _matcher(self, matcher: promql_parser.Matcher) -> Matcher:
        op, value = _MATCH_OPS[str(matcher.op)], matcher.value
        if value.startswith(LIFTED):
            value = self._lifted.values[int(value[len(LIFTED) :]) - 1]
        if op in ("=~", "!~"):
            check_pattern(value)
        return Matcher(matcher.name, op, value)

    def _subquery(self, tree: promql_parser.SubqueryExpr, depth: int) -> Subquery:
        assert tree.range is not None
        step = None if tree.step is None else self._duration(tree.step)
        modifiers = self._modifiers(tree)
        if modifiers.anchored or modifiers.smoothed:
            raise BadQuery("'anchored' and 'smoothed' can't stand behind a subquery")
        return Subquery(self.expr(tree.expr, depth + 1), self._duration(tree.range), step, modifiers)

    def _call(self, tree: promql_parser.Call, depth: int) -> Call:
        name = tree.func.name
        args = tuple(
            self._selector(one, may_be_empty=True)
            if (name, place) == ("info", 1) and isinstance(one, promql_parser.VectorSelector)
            else self.expr(one, depth + 1)
            for place, one in enumerate(tree.args)
        )
        for arg in args:
            if isinstance(arg, RangeSelector):
                _check_extended(name, arg.selector.modifiers)
        returns = _TYPES[str(tree.func.return_type)]
        return Call(name, args, returns)

    def _aggregate(self, tree: promql_parser.AggregateExpr, depth: int) -> Aggregate:
        modifier = tree.modifier
        labels = () if modifier is None else tuple(modifier.labels)
        without = modifier is not None and str(modifier.type) != _BY
        param = None if tree.param is None else self.expr(tree.param, depth + 1)
        if param is not None:
            wanted = "string" if str(tree.op) == "count_values" else "scalar"
            if value_type(param) != wanted:
                raise BadQuery(f"the parameter of {tree.op!s} must be a {wanted}, not a {value_type(param)}")
        return Aggregate(str(tree.op), self.expr(tree.expr, depth + 1), param, labels, without)

    def _binary(self, tree: promql_parser.BinaryExpr, depth: int) -> Binary:
        op, modifier = str(tree.op), tree.modifier
        left, right = self.expr(tree.lhs, depth + 1), self.expr(tree.rhs, depth + 1)
        if modifier is None:
            return Binary(op, left, right, False, Matching("many-to-many" if op in SET_OPERATORS else "one-to-one"))
        labels = () if modifier.matching is None else tuple(modifier.matching.labels)
        on = modifier.matching is not None and str(modifier.matching.type) == _ON
        if modifier.return_bool and op not in COMPARISONS:
            raise BadQuery("'bool' can stand behind a comparison only")
        matching = Matching(
            _CARDINALITIES[str(modifier.card)],
            on,
            labels,
            tuple(modifier.group_labels or ()),
            modifier.fill_values.lhs,
            modifier.fill_values.rhs,
        )
        if op in SET_OPERATORS and (matching.fill_left is not None or matching.fill_right is not None):
            raise BadQuery(f"'fill' can't be used with {op!r}")
        return Binary(op, left, right, modifier.return_bool, matching)


def _check_extended(name: str, modifiers: Modifiers) -> None:
    for modifier, given, safe in (
        ("anchored", modifiers.anchored, _ANCHORED),
        ("smoothed", modifiers.smoothed, _SMOOTHED),
    ):
        if given and name not in safe:
            raise BadQuery(f"'{modifier}' can be used with {', '.join(sorted(safe))} only, not with {name}")


_OPERATORS = frozenset(ARITHMETIC | COMPARISONS | SET_OPERATORS)


def _most_nested(text: str) -> int:
    """An upper bound of how deep the tree can be: the brackets that are open at once, and every operator."""
    depth = deepest = operators = 0
    for piece in text.split():
        if piece[0] in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif piece in (")", "]", "}"):
            depth -= 1
        elif piece.lower() in _OPERATORS:
            operators += 1
    return deepest + operators
