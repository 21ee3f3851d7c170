"""Expressions written as PromQL. Parsing what is written gives the same expression again."""

from shared.messages.series import LABEL_NAME, METRIC_NAME, NAME
from shared.promql.duration_expressions import duration_source
from shared.promql.expressions import (
    Aggregate,
    Binary,
    Call,
    Expr,
    Matching,
    Modifiers,
    Negation,
    Number,
    RangeSelector,
    Subquery,
    Text,
    VectorSelector,
)
from shared.promql.go_numbers import shortest
from shared.promql.matching import Matcher
from shared.promql.quoting import quote

_WORDS = """
    and or unless atan2 bool by without on ignoring group_left group_right offset start end step range anchored smoothed
    fill fill_left fill_right sum avg count min max group stddev stdvar topk bottomk count_values quantile limitk
    limit_ratio inf nan
"""
_KEYWORDS = frozenset(_WORDS.split())


def write_expression(expr: Expr) -> str:
    """The expression as PromQL text."""
    match expr:
        case Number():
            return _number(expr.value)
        case Text():
            return quote(expr.value)
        case VectorSelector():
            return _selector(expr) + _modifiers(expr.modifiers)
        case RangeSelector():
            selector = expr.selector
            return f"{_selector(selector)}[{duration_source(expr.range)}]{_modifiers(selector.modifiers)}"
        case Subquery():
            step = "" if expr.step is None else duration_source(expr.step)
            inner = f"{_operand(expr.expr)}[{duration_source(expr.range)}:{step}]"
            return inner + _modifiers(expr.modifiers)
        case Call():
            return f"{expr.name}({', '.join(write_expression(one) for one in expr.args)})"
        case Aggregate():
            return _aggregate(expr)
        case Negation():
            return f"-({write_expression(expr.expr)})"
        case Binary():
            modifier = " bool" if expr.return_bool else ""
            return f"{_operand(expr.left)} {expr.op}{modifier}{_matching(expr.matching)} {_operand(expr.right)}"
    raise TypeError(f"{type(expr).__name__} is no expression")


def _operand(expr: Expr) -> str:
    text = write_expression(expr)
    simple = isinstance(expr, VectorSelector | Call | Aggregate) or (isinstance(expr, Number) and text[0] != "-")
    return text if simple else f"({text})"


def _number(value: float) -> str:
    return shortest(value).removeprefix("+")


def _selector(selector: VectorSelector) -> str:
    first = selector.matchers[0] if selector.matchers else None
    name, rest = "", selector.matchers
    if (
        first is not None
        and (first.label, first.op) == (NAME, "=")
        and METRIC_NAME.fullmatch(first.value)
        and first.value.lower() not in _KEYWORDS
        and not any(one.label == NAME for one in selector.matchers[1:])
    ):
        name, rest = first.value, selector.matchers[1:]
    inner = ", ".join(_matcher(one) for one in rest)
    if selector.alternatives:
        inner = " or ".join(", ".join(_matcher(one) for one in some) for some in selector.alternatives)
    return f"{name}{{{inner}}}" if inner or not name else name


def _matcher(matcher: Matcher) -> str:
    label = matcher.label if LABEL_NAME.fullmatch(matcher.label) else quote(matcher.label)
    return f"{label}{matcher.op}{quote(matcher.value)}"


def _modifiers(modifiers: Modifiers) -> str:
    text = ""
    if modifiers.at is not None:
        text += f" @ {modifiers.at}()" if isinstance(modifiers.at, str) else f" @ {modifiers.at / 1000!r}"
    if modifiers.offset != 0:
        text += f" offset {duration_source(modifiers.offset)}"
    return text + (" anchored" if modifiers.anchored else "") + (" smoothed" if modifiers.smoothed else "")


def _labels(labels: tuple[str, ...]) -> str:
    return "(" + ", ".join(one if LABEL_NAME.fullmatch(one) else quote(one) for one in labels) + ")"


def _aggregate(expr: Aggregate) -> str:
    clause = f" {'without' if expr.without else 'by'} {_labels(expr.labels)} " if expr.labels or expr.without else ""
    param = "" if expr.param is None else f"{write_expression(expr.param)}, "
    return f"{expr.op}{clause}({param}{write_expression(expr.expr)})"


def _matching(matching: Matching) -> str:
    text = ""
    if matching.on or matching.labels:
        text += f" {'on' if matching.on else 'ignoring'} {_labels(matching.labels)}"
    if matching.cardinality in ("many-to-one", "one-to-many"):
        side = "group_left" if matching.cardinality == "many-to-one" else "group_right"
        text += f" {side} {_labels(matching.include)}"
    if matching.fill_left is not None:
        text += f" fill_left ({_number(matching.fill_left)})"
    if matching.fill_right is not None:
        text += f" fill_right ({_number(matching.fill_right)})"
    return text
