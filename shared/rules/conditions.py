"""Conditions of the specification's small rules: PromQL, or `NAME.status == "STATE"` as a whole."""

import re
from collections.abc import Mapping

from shared.messages.alerts import SEVERITIES
from shared.messages.rules import AlertingRule, RecordingRule
from shared.messages.series import LABEL_NAME, METRIC_NAME, NAME
from shared.promql.errors import BadQuery
from shared.promql.expressions import COMPARISONS, Binary, Number, value_type
from shared.promql.query import Query, compile_query
from shared.rules.errors import BadRule
from shared.rules.expansion import check_text
from shared.rules.templates import BadTemplate

STATES = ("healthy", "degraded", "unhealthy")
_STATUS = re.compile(r"""\s*([a-zA-Z_][a-zA-Z0-9_-]*)\.status\s*(==|!=)\s*(["'])([^"'\\]*)\3\s*""")
_DOTTED = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]*\.[a-zA-Z_][a-zA-Z0-9_.-]*")
_STRING = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`""")
_RESERVED = ("alertname", "__name__")


def rewrite(condition: str) -> str:
    """The PromQL of a condition.

    `database.status == "unhealthy"` becomes a look into the health state set; what is not of that form is returned as
    it is. BadRule for an unknown state, and for anything else with a dotted name.
    """
    if status := _STATUS.fullmatch(condition):
        check, op, _, state = status.groups()
        if state not in STATES:
            raise BadRule(f"condition {condition.strip()[:120]!r}: {state[:40]!r} is none of {', '.join(STATES)}")
        return f'health_check_status{{service="{check}",status="{state}"}} == {1 if op == "==" else 0}'
    if dotted := _DOTTED.search(_STRING.sub('""', condition)):
        raise BadRule(
            f"condition {condition.strip()[:120]!r}: {dotted[0][:60]!r} is not known: with a dot there is only "
            'NAME.status == "STATE" (or !=), as the whole condition'
        )
    return condition.strip()


def check_expression(expr: str, place: str) -> Query:
    """The query of a rule. BadRule naming `place` if it is none, or gives no vector and no scalar."""
    try:
        query = compile_query(expr)
    except BadQuery as error:
        raise BadRule(f"{place}: {error}") from error
    kind = value_type(query.expr)
    if kind not in ("vector", "scalar"):
        raise BadRule(f"{place}: it gives a {kind}: a rule needs an instant vector or a scalar")
    return query


def threshold_of(query: Query) -> float | None:
    """The number that the query compares with; None where it is, as a whole, no comparison with a number."""
    expr = query.expr
    if not isinstance(expr, Binary) or expr.op not in COMPARISONS:
        return None
    numbers = [side.value for side in (expr.left, expr.right) if isinstance(side, Number)]
    return numbers[0] if len(numbers) == 1 else None


def metric_of(query: Query) -> str | None:
    """The metric that the query is about; None where it is about several, or about one that it doesn't name."""
    metrics = {selector.metric for selector in query.selectors}
    return metrics.pop() if len(metrics) == 1 else None


def check_rule(rule: AlertingRule, place: str) -> None:
    """BadRule naming `place` if an alerting rule can't be evaluated, or a label or template of it isn't one."""
    check_name(rule.name, f"{place}: name")
    check_expression(rule.expr, f"{place}: expr")
    if rule.severity not in SEVERITIES:
        raise BadRule(f"{place}: severity {rule.severity!r} is none of {', '.join(SEVERITIES)}")
    _check_labels(rule.labels, _RESERVED, "an alert", place)
    for annotation, text in rule.annotations.items():
        if not LABEL_NAME.fullmatch(annotation):
            raise BadRule(f"{place}: annotations: {annotation[:80]!r} is not a label name")
        _check_template(text, f"{place}: annotations: {annotation}")
    for label, text in rule.labels.items():
        _check_template(text, f"{place}: labels: {label}")
    _check_template(rule.message, f"{place}: message")


def check_recording_rule(rule: RecordingRule, place: str) -> None:
    """BadRule naming `place` if a recording rule can't be evaluated, or its name or a label isn't one."""
    if not METRIC_NAME.fullmatch(rule.name):
        raise BadRule(f"{place}: record: {rule.name[:80]!r} is not a metric name")
    check_expression(rule.expr, f"{place}: expr")
    _check_labels(rule.labels, (NAME,), "a series", place)


def _check_labels(labels: Mapping[str, str], reserved: tuple[str, ...], what: str, place: str) -> None:
    for label in labels:
        if not LABEL_NAME.fullmatch(label) or label in reserved:
            raise BadRule(f"{place}: labels: {label[:80]!r} can't be a label of {what}")


def _check_template(text: str, place: str) -> None:
    try:
        check_text(text)
    except BadTemplate as error:
        raise BadRule(f"{place}: template: {error}") from error


def check_name(name: str, place: str) -> None:
    """BadRule naming `place` if `name` can't name a rule or group: 1 to 200 printable characters."""
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise BadRule(f"{place}: {name[:80]!r} is not 1 to 200 printable characters")
