"""The verdict on a rule at an instant, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

from shared.messages.message import instant_to_text
from shared.messages.rules import RecordingRule
from shared.promql.durations import duration_text
from shared.rules.explain_reasons import Reason, Values, has_something, reasons_of
from shared.rules.explain_tree import Node
from shared.rules.plan import RulePlan

VerdictKey = Literal[
    "fires", "pending", "kept_firing", "does_not_fire", "unknown", "failed", "records", "records_nothing"
]
MOST_REASONS = 10


class AlertSeen(NamedTuple):
    """An alert as the rule has it at the instant."""

    labels: dict[str, str]
    state: Literal["pending", "firing"]
    since_ms: int | None
    """When the condition began to hold; None: at the beginning of the window that was evaluated, or before."""
    pending_ms: int
    """The same, or the beginning of the window."""
    fired_ms: int | None


@dataclass(frozen=True)
class Verdict:
    """What there is to say in one sentence, and why. `key` and `values` are what the text is made of."""

    key: VerdictKey
    text: str
    values: Values
    because: tuple[Reason, ...] = ()


def verdict_of(rule: RulePlan, tree: Node, alerts: Sequence[AlertSeen], known: bool, failure: str | None) -> Verdict:
    """The verdict. `failure` says why the rule as a whole can't be evaluated, although its expression can."""
    reasons = tuple(islice(reasons_of(tree), MOST_REASONS))
    error = tree.error or failure
    if error is not None:
        return Verdict("failed", f"The rule can't be evaluated: {error}", {"error": error}, reasons)
    if not known and (not rule.is_direct or not has_something(tree)) and not alerts:
        text = "No collector gave a sign of life before this instant: nothing is concluded from what is missing."
        return Verdict("unknown", text, {}, reasons)
    if isinstance(rule.rule, RecordingRule):
        count = 1 if tree.number is not None else tree.total
        key: VerdictKey = "records" if count else "records_nothing"
        text = f"It records {count} series." if count else "It records nothing."
        return Verdict(key, text, {"series": count}, reasons)
    firing = [one for one in alerts if one.state == "firing"]
    if firing:
        return _firing(firing, has_something(tree), rule, reasons)
    if alerts:
        return _pending(alerts, rule)
    return Verdict("does_not_fire", _why(reasons), {}, reasons)


def _firing(firing: Sequence[AlertSeen], holds: bool, rule: RulePlan, reasons: tuple[Reason, ...]) -> Verdict:
    earliest = min(firing, key=lambda one: one.pending_ms)
    values: Values = {"alerts": len(firing), "since": instant_to_text(earliest.pending_ms)}
    since = f"since {values['since']}" + (" or before" if earliest.since_ms is None else "")
    if holds:
        return Verdict("fires", f"It fires: {_alerts(len(firing))}, the condition holds {since}.", values)
    kept = duration_text(rule.timers.keep_firing_for_ms)
    values["keep_firing_for"] = kept
    text = f"The condition does not hold any more, but `keep_firing_for: {kept}` has {_alerts(len(firing))} fire on."
    return Verdict("kept_firing", text, values, reasons)


def _pending(alerts: Sequence[AlertSeen], rule: RulePlan) -> Verdict:
    earliest = min(one.pending_ms for one in alerts)
    wait = duration_text(rule.timers.for_ms)
    values: Values = {
        "alerts": len(alerts),
        "since": instant_to_text(earliest),
        "for": wait,
        "fires_at": instant_to_text(earliest + rule.timers.for_ms),
    }
    text = (
        f"It is pending: the condition holds since {values['since']}, but not yet for {wait}. "
        f"It fires at {values['fires_at']} if it goes on to hold."
    )
    return Verdict("pending", text, values)


def _why(reasons: Sequence[Reason]) -> str:
    if not reasons:
        return "It does not fire."
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"It does not fire: {reasons[0].text}{more}."


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"
