"""Why a rule fired at an instant, or why it did not: pure, over any source.

Two steps, because something is to be asked of a database in between: `look` evaluates every part of the rule at the
instant, and the rule over the time that its `for` and `keep_firing_for` look back at; `silent` names the selectors that
found nothing, and `conclude`, told what history holds of these, says it in words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from shared.messages.rules import AlertingRule
from shared.promql.limits import Spending
from shared.promql.matching import Selector
from shared.promql.source import Source
from shared.rules.backtest import backtest
from shared.rules.expansion import Outside
from shared.rules.explain_comparison import MOST_SHOWN, About, is_about
from shared.rules.explain_tree import Missing, Node, Stock, nodes, stocked, tree_of
from shared.rules.explain_verdict import AlertSeen, Verdict, verdict_of
from shared.rules.plan import GroupPlan, RulePlan

Known = Callable[[int], bool]
_NOWHERE = Outside()

MOST_STEPS = 20_000
"""Instants that the window before the one asked for may hold."""
LONGEST_DARK = 3
"""The window may grow to so many times its length where instants in it were not known."""
SLICE_STEPS = 100
"""So many instants are evaluated between two looks at the deadline."""


def _always(_: int) -> bool:
    return True


@dataclass(frozen=True)
class Subject:
    """A rule of a group at an instant (ms), as it is to be explained."""

    group: GroupPlan
    place: int
    at_ms: int
    immediate: bool = False
    """Whether its group is evaluated on arrival: then at `at_ms` itself, not at the last instant of its grid."""
    known: Known = _always
    """Whether the collectors gave a sign, by instant."""
    outside: Outside = _NOWHERE
    about: About = ()
    """Which alerts are of interest; empty: all."""

    @property
    def rule(self) -> RulePlan:
        """The rule."""
        return self.group.rules[self.place]

    @property
    def instant_ms(self) -> int:
        """The instant of evaluation: the last of the group's grid that is not after `at_ms`."""
        if self.immediate and not self._reach_ms:
            return self.at_ms
        return self.at_ms // self.group.interval_ms * self.group.interval_ms

    @cached_property
    def window_start_ms(self) -> int:
        """The first instant that has to be evaluated, so that `for` and `keep_firing_for` are over at the instant if
        the condition held all the time; later than needed where the window would be too long."""
        interval, need = self.group.interval_ms, self._reach_ms
        steps = min(-(-need // interval), MOST_STEPS)
        start = self.instant_ms - steps * interval
        most = min(LONGEST_DARK * steps, MOST_STEPS)
        # Timers stand still in the dark: what was not known does not count.
        passed = sum(self.known(start + number * interval) for number in range(1, steps + 1)) * interval
        while passed < need and (self.instant_ms - start) // interval < most:
            passed += interval * self.known(start)
            start -= interval
        return max(start, 0)

    @property
    def _reach_ms(self) -> int:
        timers = self.rule.timers
        return timers.for_ms + timers.keep_firing_for_ms


@dataclass(frozen=True)
class Explanation:
    """What there is to say. `verdict` is None until it is concluded."""

    subject: Subject
    known: bool
    """Whether the collectors gave a sign before the instant: if not, nothing was concluded from what was missing."""
    tree: Node
    alerts: list[AlertSeen]
    """The alerts that the rule has at the instant, at most `MOST_SHOWN`; those that fire first."""
    total_alerts: int
    failure: str | None = None
    """Why the rule as a whole can't be evaluated, although its expression can."""
    verdict: Verdict | None = None


def look(subject: Subject, source: Source) -> Explanation:
    """What the rule finds. QueryRefused if that is more than the limits in `subject.outside` allow."""
    options = subject.outside.options
    looked_at = subject.instant_ms - subject.group.query_offset_ms
    tree = tree_of(subject.rule.query.expr, source, looked_at, options, subject.about)
    alerts, failure = _alerts(subject, source) if isinstance(subject.rule.rule, AlertingRule) else ([], None)
    alerts.sort(key=lambda one: (one.state != "firing", sorted(one.labels.items())))
    known = subject.known(subject.instant_ms)
    return Explanation(subject, known, tree, alerts[:MOST_SHOWN], len(alerts), failure)


def silent(found: Explanation) -> list[Missing]:
    """The selectors that found nothing, each once."""
    missing = {one.missing.selectors: one.missing for one in nodes(found.tree) if one.missing is not None}
    return list(missing.values())


def conclude(found: Explanation, stock: Mapping[tuple[Selector, ...], Stock]) -> Explanation:
    """The explanation with what history holds of the silent selectors, and the verdict."""
    subject, tree = found.subject, stocked(found.tree, stock)
    verdict = verdict_of(subject.rule, tree, found.alerts, found.known, found.failure)
    return replace(found, tree=tree, verdict=verdict)


def _alerts(subject: Subject, source: Source) -> tuple[list[AlertSeen], str | None]:
    """The rule's alerts at the instant, by evaluating it over the window before it, beginning with none; and why its
    evaluation failed, if it did."""
    instant, start = subject.instant_ms, subject.window_start_ms
    # An instant of its own is a grid of its own: there is nothing before it to look at.
    grid = subject.group.interval_ms if instant % subject.group.interval_ms == 0 else max(instant, 1)
    alone = replace(subject.group, rules=(subject.rule,), interval_ms=grid, immediate=False)
    spending = Spending(subject.outside.options.limits)
    ran = backtest(
        [alone], source, start, instant, known=lambda at, _: subject.known(at), outside=subject.outside,
        with_evidence=False, progress=lambda done, of: spending.check_deadline(), slice_steps=SLICE_STEPS,
    )  # fmt: skip
    latest = {one.transition.alert.id: one.transition for one in ran.decisions}
    found = []
    for transition in latest.values():
        alert = transition.alert
        if transition.state in ("pending", "firing") and is_about(alert.labels, subject.about):
            since = None if alert.episode_ms == start < instant else alert.episode_ms
            found.append(AlertSeen(alert.labels, alert.state, since, alert.episode_ms, alert.fired_ms))
    return found, next((one.first.reason for one in ran.failures.values()), None) if not found else None
