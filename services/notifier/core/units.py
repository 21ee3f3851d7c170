"""The unit of an alert's value: what its annotation says, else what the name of its metric ends with."""

from collections.abc import Mapping
from functools import lru_cache

from shared.messages.series import NAME
from shared.promql.errors import BadQuery
from shared.promql.expressions import COMPARISONS, Aggregate, Binary, Call, Expr, RangeSelector, VectorSelector
from shared.promql.parsing import parse_expression

ANNOTATION = "unit"
_SUFFIXES = {
    "_percent": "percent",
    "_ratio": "ratio",
    "_bytes": "bytes",
    "_seconds": "seconds",
    "_milliseconds": "ms",
    "_celsius": "°C",
    "_volts": "V",
    "_watts": "W",
    "_amperes": "A",
    "_dbm": "dBm",
    "_rupiah": "rupiah",
    "_idr": "rupiah",
}
# What these make of a metric is still in its unit.
_KEEPING = frozenset(
    {f"{one}_over_time" for one in ("avg", "min", "max", "last", "quantile", "sum", "mad")}
    | {"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc", "delta", "increase"}
)
_KEEPING_AGGREGATES = frozenset({"avg", "min", "max", "sum", "quantile", "topk", "bottomk"})
_CHOOSING = COMPARISONS | {"and", "unless", "or"}
_RATES = frozenset({"rate", "irate", "deriv"})


def unit_of(expr: str, annotations: Mapping[str, str]) -> str:
    """The unit of the value of an alert whose rule asks `expr`; empty if it has none that is known."""
    told = annotations.get(ANNOTATION, "")
    return told[:16] if told else _of_text(expr)


@lru_cache(maxsize=1_024)
def _of_text(expr: str) -> str:
    try:
        return _of(parse_expression(expr))
    except BadQuery:
        return ""


def _of(expr: Expr) -> str:
    match expr:
        case Binary() if expr.op in _CHOOSING and not expr.return_bool:
            return _of(expr.left)
        case Aggregate() if expr.op in _KEEPING_AGGREGATES:
            return _of(expr.expr)
        case Call() if expr.name in _KEEPING:
            return next((unit for unit in map(_of, expr.args) if unit), "")
        case Call() if expr.name in _RATES:
            return "bytes/s" if _of(expr.args[0]) == "bytes" else ""
        case RangeSelector():
            return _of(expr.selector)
        case VectorSelector():
            return _of_metric(expr)
    return ""


def _of_metric(selector: VectorSelector) -> str:
    name = next((one.value for one in selector.matchers if one.label == NAME and one.op == "="), "")
    name = name.removesuffix("_total")
    return next((unit for suffix, unit in _SUFFIXES.items() if name.endswith(suffix)), "")
