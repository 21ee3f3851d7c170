"""Rule groups made ready for evaluation: queries compiled, and what is found out about them once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup
from shared.messages.series import NAME
from shared.promql.expressions import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Expr,
    Number,
    RangeSelector,
    Subquery,
    VectorSelector,
    value_type,
    walk,
)
from shared.promql.matching import Matcher
from shared.promql.query import Query, compile_query
from shared.rules.expansion import is_template, queries_may_see
from shared.rules.files import GroupDraft
from shared.rules.identities import ALERTS, ALERTS_FOR_STATE, Identities
from shared.rules.state import Timers

DEFAULT_INTERVAL_MS = 15_000
# What such expressions say may come from samples that are missing.
_SPEAKS_OF_ABSENCE = frozenset({"absent", "absent_over_time", "count_over_time", "time", "timestamp", "vector"})
# Functions whose result for a series depends on other series too, or that give their elements other labels.
_MIXES_SERIES = _SPEAKS_OF_ABSENCE | {
    "histogram_quantile", "histogram_fraction", "info", "label_join", "label_replace", "scalar",
    "sort", "sort_by_label", "sort_by_label_desc", "sort_desc",
}  # fmt: skip
_RENAMES = frozenset({"label_join", "label_replace"})


@dataclass(frozen=True, eq=False)
class RulePlan:
    """A rule and its query."""

    rule: AlertingRule | RecordingRule
    query: Query

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.rule.name

    @cached_property
    def identities(self) -> Identities:
        """Of its alerts: remembered from one evaluation to the next."""
        return Identities(self.rule.name, self.rule.labels)

    @cached_property
    def timers(self) -> Timers:
        """What the rule asks of the state machine."""
        if isinstance(self.rule, RecordingRule):
            return Timers()
        return Timers(self.rule.for_ms, self.rule.keep_firing_for_ms)

    @cached_property
    def has_label_templates(self) -> bool:
        """Whether labels must be expanded for each element."""
        return any(map(is_template, self.rule.labels.values()))

    @cached_property
    def is_direct(self) -> bool:
        """Whether what it finds is in the samples, so that it holds even where others are missing."""
        return not any(
            isinstance(one, Aggregate)
            or (isinstance(one, Call) and one.name in _SPEAKS_OF_ABSENCE)
            or (isinstance(one, Binary) and (one.op in ("unless", "or") or _fills(one)))
            for one in walk(self.query.expr)
        )

    @cached_property
    def is_pointwise(self) -> bool:
        """Whether what it finds of a series follows from that series alone, and has the labels of no other."""
        parts = list(walk(self.query.expr))
        selectors = sum(isinstance(one, VectorSelector) for one in parts)
        # Series of several metrics may be told apart by their names alone, which elements need not have.
        return (
            selectors == 1
            and self.metric is not None
            and not any(
                isinstance(one, Aggregate)
                or (isinstance(one, Call) and one.name in _MIXES_SERIES)
                or (isinstance(one, Binary) and "scalar" not in (value_type(one.left), value_type(one.right)))
                for one in parts
            )
        )

    @cached_property
    def metric(self) -> str | None:
        """The metric that all its selectors name; None if they name several, or any."""
        metrics = {one.metric for one in self.query.selectors}
        return metrics.pop() if len(metrics) == 1 else None

    @cached_property
    def renames(self) -> bool:
        """Whether labels of an element may say something else than those of the series that it came from."""
        return any(
            (isinstance(one, Call) and one.name in _RENAMES)
            or (isinstance(one, Aggregate) and one.op == "count_values")
            for one in walk(self.query.expr)
        )

    @cached_property
    def threshold(self) -> float | None:
        """The number that the rule as a whole compares with, if it does."""
        expr = self.query.expr
        if not isinstance(expr, Binary) or expr.op not in COMPARISONS:
            return None
        sides: list[Expr] = [side for side in (expr.left, expr.right) if isinstance(side, Number)]
        return sides[0].value if len(sides) == 1 and isinstance(sides[0], Number) else None

    @property
    def texts(self) -> Iterator[str]:
        """All texts that may be templates."""
        yield from self.rule.labels.values()
        if isinstance(self.rule, AlertingRule):
            yield from self.rule.annotations.values()
            yield self.rule.message

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The metrics that it makes."""
        return (ALERTS, ALERTS_FOR_STATE) if isinstance(self.rule, AlertingRule) else (self.rule.name,)

    def may_see(self, metric: str) -> bool:
        """Whether a selector, or a query in a template, may select series of this metric."""
        if any(_selects(one.matchers, metric) for one in self.query.selectors):
            return True
        return any(queries_may_see(text, metric) for text in self.texts if is_template(text))

    @cached_property
    def depends_on_the_instant(self) -> bool:
        """Whether it looks ahead, or at where the whole query starts and ends: then steps can't be taken together."""
        return any(_unsteady(one) for one in walk(self.query.expr))


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """A group and its rules. `interval_ms` is the distance of its grid."""

    name: str
    rules: tuple[RulePlan, ...]
    interval_ms: int = DEFAULT_INTERVAL_MS
    query_offset_ms: int = 0
    limit: int = 0
    immediate: bool = False
    """Whether it is also evaluated when samples arrive that its rules select."""
    alert_series: bool = field(default=True)
    """Whether ALERTS and ALERTS_FOR_STATE are made."""

    @cached_property
    def reads_its_own(self) -> bool:
        """Whether a rule may see what a rule of the group makes."""
        made = {metric for rule in self.rules for metric in rule.outputs}
        return any(rule.may_see(metric) for rule in self.rules for metric in made)

    @cached_property
    def recorded_more_than_once(self) -> frozenset[str]:
        """The metrics that several rules record: no two of them may make the same series."""
        times = Counter(rule.name for rule in self.rules if isinstance(rule.rule, RecordingRule))
        return frozenset(name for name, count in times.items() if count > 1)

    @cached_property
    def shortest_range_ms(self) -> int | None:
        """The shortest of the ranges that its rules look through; None if they look through none."""
        ranges = (one.range for rule in self.rules for one in walk(rule.query.expr) if isinstance(one, RangeSelector))
        return min((one for one in ranges if isinstance(one, int)), default=None)

    def dark_after_ms(self, most_ms: int) -> int:
        """Without a sign of the collectors for how long nothing is concluded from what is missing: `most_ms`, or less,
        since without a sign for a rule's whole range the rule has seen nothing at all."""
        return most_ms if self.shortest_range_ms is None else min(most_ms, self.shortest_range_ms)

    @cached_property
    def is_steady(self) -> bool:
        """Whether many instants can be taken at once, rule by rule: then none looks ahead or at what comes later."""
        names = [rule.name for rule in self.rules if isinstance(rule.rule, AlertingRule)]
        return (
            len(set(names)) == len(names)  # rules of one name must not hold the same alert
            and not self.recorded_more_than_once  # nor make the same series
            and not any(rule.depends_on_the_instant for rule in self.rules)
            and not (self.reads_its_own and sees_outputs_of_its_like([self]))
        )


def plan_group(group: GroupDraft | RuleGroup, default_interval_ms: int = DEFAULT_INTERVAL_MS) -> GroupPlan:
    """The plan of a group. BadQuery if an expression is none."""
    return GroupPlan(
        name=group.name,
        rules=tuple(RulePlan(rule, compile_query(rule.expr)) for rule in group.rules),
        interval_ms=group.interval_ms or default_interval_ms,
        query_offset_ms=group.query_offset_ms,
        limit=group.limit,
        immediate=group.immediate,
    )


def sees_outputs_of_its_like(groups: Iterable[GroupPlan]) -> bool:
    """Whether a rule may see what it makes itself, or what a rule makes that comes after it: outputs of the past."""
    rules = [rule for group in groups for rule in group.rules]
    return any(
        reader.may_see(metric)
        for place, reader in enumerate(rules)
        for maker in rules[place:]
        for metric in maker.outputs
    )


def _selects(matchers: tuple[Matcher, ...], metric: str) -> bool:
    return all(one.matches(metric) for one in matchers if one.label == NAME)


def _fills(binary: Binary) -> bool:
    return binary.matching.fill_left is not None or binary.matching.fill_right is not None


def _unsteady(one: object) -> bool:
    match one:
        case VectorSelector():
            modifiers = one.modifiers
        case Subquery():
            if not isinstance(one.range, int) or not isinstance(one.step, int | None):
                return True
            modifiers = one.modifiers
        case RangeSelector():
            return not isinstance(one.range, int)
        case _:
            return False
    ahead = not isinstance(modifiers.offset, int) or modifiers.offset < 0
    return ahead or modifiers.at is not None or modifiers.smoothed
