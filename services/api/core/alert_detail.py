"""One alert with its transitions, their evidence and what was sent, as the API shows it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from services.api.core.alert_bodies import AlertDetailBody, AlertRuleBody, DeliveryBody, MomentBody, TransitionBody
from services.api.core.alerts import event_body
from services.api.core.bodies import AlertBody
from services.api.core.told_events import ToldEvent
from shared.messages.alerts import AlertEvent
from shared.messages.rules import AlertingRule, RuleGroup

ALERT_ID = r"^[0-9a-f]{32}(-[0-9]{1,14})?$"
_PARTS = re.compile(ALERT_ID)
BUS_ALONE = "The database can't be reached: earlier transitions, and what was sent, are missing."
STATE_ALONE = (
    "The database can't be reached, and this api has not seen the alert's transitions: it knows its state only."
)


def parse_id(text: str) -> tuple[str, int | None] | None:
    """(alert id, episode in ms) of an episode's id; (alert id, None) of an alert's; None for another text."""
    if not _PARTS.fullmatch(text):
        return None
    alert, _, episode = text.partition("-")
    return alert, int(episode) if episode else None


def merged(stored: Sequence[ToldEvent], told: Sequence[ToldEvent]) -> list[ToldEvent]:
    """What the database and the bus say of one episode, each transition once, in order."""
    if stored and told and stored[0].event.episode != told[0].event.episode:
        # The latest one was asked for, and one of the two does not know of it yet.
        return list(stored if stored[0].event.episode > told[0].event.episode else told)
    by_id = {one.event.id: one for one in (*told, *stored)}
    return sorted(by_id.values(), key=lambda one: one.event.transition)


def detail(
    events: Sequence[ToldEvent],
    deliveries: Mapping[str, Sequence[DeliveryBody]],
    groups: Mapping[str, RuleGroup],
    source: Literal["history", "bus"],
) -> AlertDetailBody:
    """The episode of `events` (at least one), with the deliveries of each by its id. `groups`: those in force."""
    transitions = [_transition(one, deliveries.get(one.event.id, ())) for one in events]
    latest = events[-1].event
    moments = [moment for one in transitions for moment in _moments(one)]
    # What happens at one instant keeps the order in which it was caused.
    moments.sort(key=lambda one: one.at)
    return AlertDetailBody(
        alert=event_body(latest),
        rule=AlertRuleBody(
            group=latest.group,
            name=latest.rule,
            expr=latest.expr,
            rule_version=latest.rule_version,
            group_version=latest.group_version,
            now=_fate(latest.rule, latest.rule_version, groups.get(latest.group)),
        ),
        fingerprint=latest.fingerprint,
        transitions=transitions,
        timeline=moments,
        source=source,
        note=BUS_ALONE if source == "bus" else None,
    )


def detail_of_state(alert: AlertBody, groups: Mapping[str, RuleGroup]) -> AlertDetailBody:
    """What there is to say of an active alert of which only the state is known."""
    return AlertDetailBody(
        alert=alert,
        rule=AlertRuleBody(
            group=alert.group,
            name=alert.name,
            expr=alert.expr,
            rule_version=None,
            group_version=None,
            now=_fate(alert.name, None, groups.get(alert.group), alert.expr),
        ),
        fingerprint=None,
        transitions=[],
        timeline=[],
        source="bus",
        note=STATE_ALONE,
    )


def _fate(
    name: str, version: str | None, group: RuleGroup | None, expr: str = ""
) -> Literal["same", "changed", "gone"]:
    """What has become of a rule; where its version is not known its expression stands for it."""
    named = [one for one in group.rules if isinstance(one, AlertingRule) and one.name == name] if group else []
    if not named:
        return "gone"
    same = any(one.version == version if version is not None else one.expr == expr for one in named)
    return "same" if same else "changed"


def _transition(one: ToldEvent, deliveries: Sequence[DeliveryBody]) -> TransitionBody:
    event: AlertEvent = one.event
    return TransitionBody(
        id=event.id,
        transition=event.transition,
        state=event.state,
        previous_state=event.previous_state,
        instant=event.instant,
        decided_at=event.decided_at,
        told_at=one.accepted_ms,
        late_ms=event.late_ms,
        value=event.value,
        threshold=event.threshold,
        for_seconds=event.for_ms / 1000,
        expr=event.expr,
        rule_version=event.rule_version,
        group_version=event.group_version,
        severity=event.severity,
        message=event.message,
        annotations=event.annotations,
        shadow=event.shadow,
        evidence=event.evidence,
        deliveries=list(deliveries),
    )


def _moments(one: TransitionBody) -> Iterator[MomentBody]:
    evidence = one.evidence
    own: list[tuple[Literal["taken", "accepted", "instant", "decided", "told"], int | None]] = [
        ("taken", evidence.taken_at),
        ("accepted", evidence.accepted_at),
        ("instant", one.instant),
        ("decided", one.decided_at),
        ("told", one.told_at),
    ]
    for what, at in own:
        if at is not None:
            yield MomentBody(
                at=at, what=what, transition=one.transition, state=one.state, receiver=None, channel=None, attempt=None,
                reason=None, muted_by=[], muted_until=None,
            )  # fmt: skip
    for step in one.deliveries:
        yield MomentBody(
            at=step.at,
            what=step.state,
            transition=one.transition,
            state=one.state,
            receiver=step.receiver,
            channel=step.channel,
            attempt=step.attempt,
            reason=step.reason,
            muted_by=step.muted_by,
            muted_until=step.muted_until,
        )
