"""Why an expression found nothing at an instant: keys for programs, English for people.

A reason's `key` and `values` are all that its text is made of, so that others can say it in their language.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.messages.message import instant_to_text
from shared.messages.series import NAME
from shared.promql.expressions import Binary, Call, Expr, RangeSelector, VectorSelector
from shared.rules.explain_comparison import Compared, Comparison
from shared.rules.explain_tree import Missing, Node

ReasonKey = Literal[
    "no_series",
    "no_sample",
    "ended",
    "other_labels",
    "not_passed",
    "no_match",
    "excluded",
    "present",
    "too_few_samples",
    "failed",
    "nothing",
]
Values = dict[str, str | float | int]
MOST_COMPARED = 5
_ABSENCE = ("absent", "absent_over_time")


@dataclass(frozen=True)
class Reason:
    """One thing that kept an expression from finding anything. Instants among the values are RFC 3339 texts."""

    key: ReasonKey
    text: str
    expr: str
    """The part of the rule's expression that it is about."""
    values: Values = field(default_factory=dict)


def reasons_of(node: Node) -> Iterator[Reason]:
    """Why the node has nothing to show, told at the parts that it comes down to; none if it has something."""
    if node.error is not None:
        yield Reason("failed", f"`{node.text}` can't be evaluated: {node.error}", node.text, {"error": node.error})
    elif has_something(node):
        return
    elif node.missing is not None:
        yield _missing(node.text, node.missing)
    elif node.total and isinstance(node.expr, VectorSelector | RangeSelector):
        text = f"none of the {node.total} series of `{node.text}` has the labels that were asked for"
        yield Reason("other_labels", text, node.text, {"series": node.total})
    elif isinstance(node.expr, Binary):
        yield from _binary(node, node.expr)
    elif isinstance(node.expr, Call) and node.expr.name in _ABSENCE:
        text = f"`{node.text}` finds nothing because there is something"
        yield Reason("present", text, node.text)
    else:
        yield from _of_parts(node)


def has_something(node: Node) -> bool:
    """Whether there is a value that is of interest."""
    return bool(node.elements or node.rows) or node.number is not None or node.string is not None


def _of_parts(node: Node) -> Iterator[Reason]:
    told = False
    for part in node.children:
        for reason in reasons_of(part):
            told = True
            yield reason
    if told:
        return
    if any(part.rows for part in node.children):
        text = f"the ranges in `{node.text}` hold too few samples to calculate with"
        yield Reason("too_few_samples", text, node.text, {"samples": sum(part.samples for part in node.children)})
    else:
        yield Reason("nothing", f"`{node.text}` finds nothing", node.text)


def _binary(node: Node, expr: Binary) -> Iterator[Reason]:
    left, right = _part(node, expr.left), _part(node, expr.right)
    if expr.op == "unless" and left is not None and has_something(left):
        text = f"`{node.text}`: everything on the left is on the right, too"
        yield Reason("excluded", text, node.text)
    elif node.comparison is not None and node.comparison.shown:
        for one in node.comparison.shown[:MOST_COMPARED]:
            yield _not_passed(node, node.comparison, one)
    elif any(part is not None and not has_something(part) for part in (left, right)):
        for part in (left, right):
            if part is not None:
                yield from reasons_of(part)
    else:
        yield Reason("no_match", f"`{node.text}`: no element of one side matches one of the other", node.text)


def _part(node: Node, expr: Expr) -> Node | None:
    return next((one for one in node.children if one.expr is expr), None)


def _not_passed(node: Node, comparison: Comparison, one: Compared) -> Reason:
    left, right, apart = (written(value) for value in (one.left, one.right, abs(one.by)))
    held = f"{left} {comparison.op} {right}"
    return Reason(
        "not_passed",
        f"{shown_labels(one.labels)}: {held} does not hold, {apart} apart",
        node.text,
        {"labels": shown_labels(one.labels), "left": left, "op": comparison.op, "right": right, "apart": apart},
    )


def _missing(text: str, missing: Missing) -> Reason:
    values: Values = {"start": _at(missing.start_ms), "end": _at(missing.end_ms)}
    stretch = f"after {values['start']} up to {values['end']}"
    stock = missing.stock
    if stock is None:
        return Reason("no_sample", f"`{text}` has no sample {stretch}", text, values)
    if not stock.series:
        return Reason("no_series", f"no series matches `{text}`", text, values)
    values["series"] = stock.series
    exist = "1 series matches" if stock.series == 1 else f"{stock.series} series match"
    if stock.newest_ms is None:
        return Reason("no_sample", f"{exist} `{text}`, but history holds no sample until then", text, values)
    values["newest"] = _at(stock.newest_ms)
    if stock.ended:
        ended = f"{exist} `{text}`, but ended at {values['newest']} with a staleness marker"
        return Reason("ended", ended, text, values)
    newest = f"{exist} `{text}`, but without a sample {stretch}; the newest is from {values['newest']}"
    return Reason("no_sample", newest, text, values)


def shown_labels(labels: Mapping[str, str]) -> str:
    """The series as PromQL writes it."""
    inner = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != NAME)
    name = labels.get(NAME, "")
    return f"{name}{{{inner}}}" if inner or not name else name


def written(value: float) -> str:
    """The number as people write it."""
    return f"{value:.10g}"


def _at(instant_ms: int) -> str:
    return instant_to_text(max(instant_ms, 0))
