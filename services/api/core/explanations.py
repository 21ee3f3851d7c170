"""Explanations as the API shows them."""

from collections.abc import Iterable

from services.api.core.explain_bodies import (
    AlertThenBody,
    ComparedBody,
    ComparisonBody,
    ElementBody,
    ExplainBody,
    ExplainedRuleBody,
    HistoryBody,
    MissingBody,
    NodeBody,
    ReasonBody,
    RecordedByBody,
    RowBody,
    SampleBody,
    ToldBody,
    VerdictBody,
)
from services.api.core.explain_choice import Chosen
from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup
from shared.rules.explain import Explanation
from shared.rules.explain_comparison import Comparison
from shared.rules.explain_reasons import Reason
from shared.rules.explain_tree import Missing, Node
from shared.rules.explain_verdict import Verdict

MOST_MAKERS = 10


def explain_body(
    found: Explanation,
    chosen: Chosen,
    complete_until_ms: int,
    told: list[ToldBody],
    total_told: int,
    groups: Iterable[RuleGroup],
) -> ExplainBody:
    """The whole answer. `groups` are those in force now: they may make what is missing."""
    assert found.verdict is not None
    subject = found.subject
    makers = _makers(groups)
    return ExplainBody(
        at=subject.at_ms,
        instant=subject.instant_ms,
        looked_at=max(subject.instant_ms - subject.group.query_offset_ms, 0),
        window_start=subject.window_start_ms,
        rule=_rule_body(chosen),
        verdict=_verdict_body(found.verdict),
        known=found.known,
        history=HistoryBody(complete=complete_until_ms >= subject.instant_ms, complete_until=complete_until_ms or None),
        alerts=[
            AlertThenBody(labels=one.labels, state=one.state, since=one.since_ms, fired_at=one.fired_ms)
            for one in found.alerts
        ],
        total_alerts=found.total_alerts,
        told=told,
        total_told=total_told,
        tree=_node_body(found.tree, makers),
    )


def _rule_body(chosen: Chosen) -> ExplainedRuleBody:
    rule, versions = chosen.rule, chosen.versions
    alerting = rule if isinstance(rule, AlertingRule) else None
    return ExplainedRuleBody(
        group=chosen.group.name,
        name=rule.name,
        place=chosen.place,
        kind=rule.kind,
        expr=rule.expr,
        for_seconds=alerting.for_ms / 1000 if alerting else 0,
        keep_firing_for_seconds=alerting.keep_firing_for_ms / 1000 if alerting else 0,
        labels=rule.labels,
        shadow=alerting is not None and alerting.shadow,
        rule_version=alerting.version if alerting else None,
        explained=chosen.explained,
        version_then=versions.then.version if versions.then else None,
        in_force_since=versions.since_ms if versions.then else None,
        version_now=versions.now.version if versions.now else None,
        changed=chosen.changed,
        enabled=chosen.group.enabled,
    )


def _verdict_body(verdict: Verdict) -> VerdictBody:
    return VerdictBody(
        key=verdict.key,
        text=verdict.text,
        values=verdict.values,
        because=[_reason_body(one) for one in verdict.because],
    )


def _reason_body(reason: Reason) -> ReasonBody:
    return ReasonBody(key=reason.key, text=reason.text, expr=reason.expr, values=reason.values)


def _node_body(node: Node, makers: dict[str, list[RecordedByBody]]) -> NodeBody:
    return NodeBody(
        expr=node.text,
        type=node.type,
        at=max(node.at_ms, 0),
        number=node.number,
        string=node.string,
        elements=[ElementBody(labels=one.labels, value=one.value, taken_at=one.taken_ms) for one in node.elements],
        rows=[
            RowBody(
                labels=row.labels,
                samples=[SampleBody(time=time, value=value) for time, value in row.samples],
                total=row.total,
            )
            for row in node.rows
        ],
        total=node.total,
        samples=node.samples,
        comparison=None if node.comparison is None else _comparison_body(node.comparison),
        missing=None if node.missing is None else _missing_body(node.missing, makers),
        error=node.error,
        parts=[_node_body(one, makers) for one in node.children],
        left_out=node.left_out,
    )


def _comparison_body(comparison: Comparison) -> ComparisonBody:
    return ComparisonBody(
        op=comparison.op,
        shown=[
            ComparedBody(labels=one.labels, left=one.left, right=one.right, passed=one.passed, by=one.by)
            for one in comparison.shown
        ],
        passed=comparison.passed,
        failed=comparison.failed,
        alone=comparison.alone,
    )


def _missing_body(missing: Missing, makers: dict[str, list[RecordedByBody]]) -> MissingBody:
    stock = missing.stock
    metrics = {one.metric for one in missing.selectors} - {None}
    made = [maker for metric in sorted(filter(None, metrics)) for maker in makers.get(metric, [])]
    return MissingBody(
        start=max(missing.start_ms, 0),
        end=max(missing.end_ms, 0),
        series=None if stock is None else stock.series,
        newest_at=None if stock is None else stock.newest_ms,
        ended=stock is not None and stock.ended,
        recorded_by=made[:MOST_MAKERS],
    )


def _makers(groups: Iterable[RuleGroup]) -> dict[str, list[RecordedByBody]]:
    found: dict[str, list[RecordedByBody]] = {}
    for group in groups:
        for rule in group.rules:
            if isinstance(rule, RecordingRule):
                found.setdefault(rule.name, []).append(RecordedByBody(group=group.name, record=rule.name))
    return found
