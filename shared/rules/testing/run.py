"""Carries out tests of rules, as promtool does: all groups at each evaluation interval, from the start on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.messages.rules import AlertingRule
from shared.messages.series import NAME, key_of
from shared.promql.durations import duration_text
from shared.promql.errors import BadQuery, QueryFailed, QueryRefused
from shared.promql.matching import Matcher
from shared.promql.query import Options, Scalar, Vector, compile_query
from shared.promql.series_sets import Labels, labels_from, with_label
from shared.promql.source import Block, FixedSource, Selection, Source
from shared.rules.derived import DerivedSeries, Overlay
from shared.rules.expansion import Outside
from shared.rules.files import GroupDraft
from shared.rules.group import GroupState, RuleFailure, evaluate_group
from shared.rules.identities import ALERTNAME
from shared.rules.plan import GroupPlan, plan_group
from shared.rules.rule import expanded
from shared.rules.templates.values import float_text
from shared.rules.testing.files import AlertCase, ExprCase, TestFile, TestGroup

Told = tuple[Labels, Labels]
"""Labels and annotations of a firing alert."""
ParsedSample = tuple[Labels, float]


class _Until:
    """A source that knows nothing after an instant."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.until_ms = 0

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        found = self._source.select(matchers, start_ms, end_ms)
        if end_ms <= self.until_ms:
            return found
        blocks = []
        for block in found.blocks:
            count = int(np.searchsorted(block.times, self.until_ms, "right"))
            blocks.append(Block(block.rows, block.times[:count], block.values[:, :count], block.marked))
        return Selection(found.series, blocks)


@dataclass
class _Bench:
    """The groups of one test at work."""

    plans: list[GroupPlan]
    states: list[GroupState]
    inputs: _Until
    derived: DerivedSeries
    outside: Outside

    @property
    def source(self) -> Source:
        return Overlay(self.inputs, self.derived)

    def evaluate(self, instant_ms: int) -> list[RuleFailure]:
        """All groups, one after the other."""
        self.inputs.until_ms = instant_ms
        failures = []
        for place, plan in enumerate(self.plans):
            result = evaluate_group(plan, self.states[place], self.source, instant_ms, outside=self.outside)
            self.states[place] = result.state
            self.derived.append(result.recorded)
            failures += result.failures
        return failures

    def firing(self, name: str) -> list[Told]:
        """The firing alerts of this name."""
        found = []
        for plan, state in zip(self.plans, self.states, strict=True):
            for rule, remembered in zip(plan.rules, state.rules, strict=True):
                if not isinstance(rule.rule, AlertingRule) or rule.name != name:
                    continue
                for key, alert in remembered.alerts.items():
                    if alert.state == "firing":
                        texts = expanded(rule.rule, remembered.seen[key], self.source, self.outside)
                        found.append((labels_from(alert.labels), labels_from(texts.annotations)))
        return found


def run_test(test: TestGroup, file: TestFile, groups: Sequence[GroupDraft]) -> list[str]:
    """What a test finds wrong, each a text of several lines; nothing if it passes."""
    order = {name: place for place, name in enumerate(file.group_order)}
    ordered = sorted(groups, key=lambda one: order.get(one.name, 0))
    bench = _Bench(
        [plan_group(one, test.interval_ms) for one in ordered],
        [GroupState() for _ in ordered],
        _Until(_inputs(test)),
        DerivedSeries(),
        Outside(test.external_labels, test.external_url, Options(subquery_step_ms=file.evaluation_interval_ms)),
    )
    problems: list[str] = []
    interval = file.evaluation_interval_ms
    waiting = sorted(test.alerts, key=lambda one: one.eval_ms)
    times = [one.eval_ms for one in test.alerts] + [one.eval_ms for one in test.expressions]
    last = max(times, default=0)
    for at in range(0, last + 1, interval):
        failures = bench.evaluate(test.start_ms + at)
        if failures:
            named = test.name and f"    name: {test.name},\n"
            return problems + [
                f"{named}    rule: {one.rule}, time: {duration_text(at)}, err: {one.reason}" for one in failures
            ]
        while waiting and waiting[0].eval_ms < at + interval:
            problems += _check_alerts(waiting.pop(0), bench, test.name)
    for case in test.expressions:
        problems += _check_expression(case, bench, test, file.fuzzy)
    return problems


def _inputs(test: TestGroup) -> FixedSource:
    samples = {}
    for one in test.series:
        known = [(place, value) for place, value in enumerate(one.values) if value is not None]
        times = test.start_ms + np.array([place for place, _ in known], np.int64) * test.interval_ms
        samples[one.labels] = (times, np.array([value for _, value in known]))
    return FixedSource(samples)


def _check_alerts(case: AlertCase, bench: _Bench, name: str) -> list[str]:
    expected = sorted((with_label(one.labels, ALERTNAME, case.alertname), one.annotations) for one in case.expected)
    got = sorted(bench.firing(case.alertname))
    if expected == got:
        return []
    lines = [f"    name: {name},"] if name else []
    lines += [f"    alertname: {case.alertname}, time: {duration_text(case.eval_ms)},", "        exp:"]
    lines += [*_alert_lines(expected, got, "-"), "        got:", *_alert_lines(got, expected, "+")]
    return ["\n".join(lines)]


def _alert_lines(alerts: list[Told], others: list[Told], mark: str) -> list[str]:
    """An alert a line; marked where the other side has none like it."""
    return [
        f"          {' ' if one in others else mark} labels: {_text(one[0])} annotations: {_text(one[1])}"
        for one in alerts
    ] or ["            no alerts"]


def _check_expression(case: ExprCase, bench: _Bench, test: TestGroup, fuzzy: bool) -> list[str]:
    head = f"    name: {test.name},\n" if test.name else ""
    head += f'    expr: "{case.expr}", time: {duration_text(case.eval_ms)},'
    try:
        answer = compile_query(case.expr).instant(bench.source, test.start_ms + case.eval_ms, bench.outside.options)
    except (BadQuery, QueryFailed, QueryRefused) as error:
        return [f"{head}\n        err: {error}"]
    value = answer.value
    if isinstance(value, Scalar):
        found: list[ParsedSample] = [((), float(value.values[0]))]
    elif isinstance(value, Vector):
        found = list(zip(value.series.labels, value.values[:, 0].tolist(), strict=True))
    else:
        return [f"{head}\n        err: rule result is not a vector or scalar"]
    found.sort(key=lambda one: one[0])
    expected = sorted(case.expected, key=lambda one: one[0])
    same = len(found) == len(expected) and all(
        one[0] == other[0] and _equal(one[1], other[1], fuzzy) for one, other in zip(expected, found, strict=True)
    )
    if same:
        return []
    lines = [head, "        exp:", *_sample_lines(expected, found, "-")]
    return ["\n".join([*lines, "        got:", *_sample_lines(found, expected, "+")])]


def _equal(one: float, other: float, fuzzy: bool) -> bool:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    return fuzzy and other in (math.nextafter(one, math.inf), math.nextafter(one, -math.inf))


def _sample_lines(samples: Sequence[ParsedSample], others: Sequence[ParsedSample], mark: str) -> list[str]:
    return [f"          {' ' if one in others else mark} {_text(one[0])} {float_text(one[1])}" for one in samples] or [
        "            nothing"
    ]


def _text(labels: Labels) -> str:
    mapping: Mapping[str, str] = dict(labels)
    return key_of({NAME: "", **mapping}) or "{}"
