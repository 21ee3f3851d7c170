"""Rules to be tried on history: what a request asks for, and how the outcome is told line by line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.core.alerts import finite
from services.api.core.backtest_bodies import (
    BacktestFailure,
    BacktestNotification,
    BacktestTransition,
    FiringChange,
    FiringTimes,
    SentCounts,
)
from shared.messages.message import Instant
from shared.messages.rules import RuleGroup
from shared.rules.backtest import Backtest
from shared.rules.comparison import Change, Firing, SendingCounts
from shared.rules.errors import BadRule
from shared.rules.files import parse_rule_file, read_group
from shared.rules.json_tree import read_json_tree
from shared.rules.rule import Decision
from shared.rules.sendings import Sending
from shared.rules.small import SmallRule, small_group

DAY_MS = 86_400_000
AUTHOR = "backtest"
MOST_GROUPS = 1_000


class NotInForce(LookupError):
    """There is no such group; the text says which and what to do."""


class BacktestRequest(BaseModel):
    """Rules and a stretch of history. The rules are one of `group`, `rule`, `file` and `name`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    group: dict[str, Any] | None = None
    """A group with the fields of a rule file: `{"name": …, "interval": "15s", "rules": [{"alert": …, "expr": …}]}`"""
    rule: SmallRule | None = None
    """One of the specification's small rules"""
    file: Annotated[str, Field(min_length=1, max_length=1_000_000)] | None = None
    """The text of a rule file"""
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The name of a group in force"""
    start: Instant
    """The first instant: no alert is active before it"""
    end: Instant
    """The last instant"""
    compare: bool = False
    """Also run the groups of the same names that are in force, and tell what would be otherwise"""
    against: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Compare with the group in force that has this name"""
    evidence: bool = False
    """Transitions carry the samples that decided"""

    @model_validator(mode="after")
    def _one_of_four(self) -> Self:
        given = [name for name in ("group", "rule", "file", "name") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of group, rule, file and name; there is {', '.join(given) or 'none of them'}")
        if self.end <= self.start:
            raise ValueError("end must be later than start")
        return self


@dataclass(frozen=True)
class Trial:
    """What is tried, and what it is compared with; None: with nothing."""

    groups: list[RuleGroup]
    current: list[RuleGroup] | None


def trial(request: BacktestRequest, in_force: Mapping[str, RuleGroup]) -> Trial:
    """The groups that the request names. BadRule if its rules can't be taken, NotInForce if a named group is none."""
    groups = _tried(request, in_force)
    if not groups:
        raise BadRule("there are no rules in it")
    if len(groups) > MOST_GROUPS:
        raise BadRule(f"it holds {len(groups)} groups, at most {MOST_GROUPS}")
    if request.against is not None:
        return Trial(groups, [_in_force(request.against, in_force)])
    if not request.compare:
        return Trial(groups, None)
    current = [_switched_on(in_force[group.name]) for group in groups if group.name in in_force]
    if not current:
        names = ", ".join(repr(group.name) for group in groups[:5])
        raise NotInForce(f"There is no group {names} in force to compare with; `against` may name another one.")
    return Trial(groups, current)


def _tried(request: BacktestRequest, in_force: Mapping[str, RuleGroup]) -> list[RuleGroup]:
    if request.name is not None:
        return [_in_force(request.name, in_force)]
    if request.rule is not None:
        return [small_group(request.rule, 1, AUTHOR, request.start)]
    if request.file is not None:
        drafts = parse_rule_file(request.file, "file")
    else:
        drafts = [read_group(read_json_tree(json.dumps(request.group), "body.group"), "body.group")]
    return [draft.group(1, AUTHOR, request.start) for draft in drafts]


def _in_force(name: str, in_force: Mapping[str, RuleGroup]) -> RuleGroup:
    try:
        return _switched_on(in_force[name])
    except KeyError:
        raise NotInForce(f"There is no group {name!r} in force.") from None


def _switched_on(group: RuleGroup) -> RuleGroup:
    """What it does is asked for, also where it is switched off."""
    return group.model_copy(update={"enabled": True})


def transition_body(decision: Decision, *, evidence: bool) -> BacktestTransition:
    """A transition as it is told."""
    alert, state = decision.transition.alert, decision.transition.state
    return BacktestTransition(
        instant=alert.since_ms,
        group=decision.group,
        rule=decision.rule.name,
        state=state,
        previous_state=decision.transition.previous,
        episode=alert.episode_ms,
        labels=alert.labels,
        severity=decision.rule.severity,
        message=decision.message,
        annotations=decision.annotations,
        value=finite(alert.value),
        shadow=decision.rule.shadow,
        evidence=decision.evidence if evidence else None,
    )


def notification_body(sending: Sending) -> BacktestNotification:
    """A notification as it is told."""
    decision = sending.decision
    return BacktestNotification(
        at=sending.at_ms,
        kind=sending.kind,
        deferred=sending.deferred,
        group=decision.group,
        rule=decision.rule.name,
        labels=decision.transition.alert.labels,
        severity=decision.rule.severity,
        message=decision.message,
    )


def failure_bodies(found: Backtest) -> Iterator[BacktestFailure]:
    """Each rule that could not be evaluated at some instants."""
    for (group, rule), failures in found.failures.items():
        first = failures.first
        yield BacktestFailure(
            group=group, rule=rule, count=failures.count, first_instant=first.instant_ms, reason=first.reason
        )


def change_body(change: Change, end_ms: int) -> FiringChange:
    """A firing that is in both runs, or in one."""
    return FiringChange(
        kind=change.kind,
        labels=dict(change.labels),
        current=_times(change.current),
        changed=_times(change.changed),
        starts_by_seconds=_seconds(change.starts_by_ms),
        ends_by_seconds=_seconds(change.ends_by_ms(end_ms)),
        lasts_by_seconds=_seconds(change.lasts_by_ms(end_ms)),
    )


def sent_counts(counts: SendingCounts) -> SentCounts:
    """The counts of a run of a comparison."""
    return SentCounts(firing=counts.firing, resolved=counts.resolved, deferred=counts.deferred)


def count_sent(sent: Iterable[Sending]) -> SentCounts:
    """How many notifications there are of each kind."""
    sent = list(sent)
    return SentCounts(
        firing=sum(one.kind == "firing" for one in sent),
        resolved=sum(one.kind == "resolved" for one in sent),
        deferred=sum(one.deferred for one in sent),
    )


def _times(firing: Firing | None) -> FiringTimes | None:
    return None if firing is None else FiringTimes(start=firing.start_ms, end=firing.end_ms)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
