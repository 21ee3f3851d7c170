"""What the database and the bus say of one alert, put together."""

from typing import Any

import pytest

from services.api.core.alert_detail import detail, merged, parse_id
from services.api.core.alerts import ActiveAlerts
from services.api.core.explain_choice import Ambiguous, NoSuchRule, Versions, choose
from services.api.core.told_events import MOST_EVENTS, ToldEvent, ToldEvents
from shared.messages.alerts import AlertEvent, CurrentAlert, State, event_id
from shared.messages.rules import AlertingRule, RuleGroup

AT = 1_795_428_900_000  # 2026-11-23T10:15:00Z
ALERT = "a" * 32


def event(number: int, state: State, episode: int = AT, **named: Any) -> AlertEvent:
    return AlertEvent.model_validate(
        {
            "id": event_id(ALERT, episode, number),
            "alert_id": ALERT,
            "fingerprint": "f",
            "group": "g",
            "rule": "HighCPU",
            "rule_version": RULE.version,
            "episode": episode,
            "transition": number,
            "state": state,
            "previous_state": "inactive",
            "instant": episode + number * 1000,
            "labels": {"host": "web-1"},
            "severity": "critical",
            "message": "CPU",
            "value": 85.0,
            "expr": "cpu_usage > 80",
            **named,
        }
    )


def told(*events: AlertEvent) -> list[ToldEvent]:
    return [ToldEvent(one, one.instant + 5) for one in events]


RULE = AlertingRule(name="HighCPU", expr="cpu_usage > 80")
GROUP = RuleGroup(name="g", rules=[RULE], version=4, origin="api", updated_by="ana", updated_at=AT)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (ALERT, (ALERT, None)),
        (f"{ALERT}-{AT}", (ALERT, AT)),
        (f"{ALERT}-", None),
        ("A" * 32, None),
        (f"{ALERT}-1-2", None),
        ("explain", None),
        (f"{ALERT}\n", None),
    ],
)
def test_ids(text: str, parsed: object) -> None:
    assert parse_id(text) == parsed


def test_each_transition_is_there_once_whoever_tells_it() -> None:
    pending, firing, resolved = event(1, "pending"), event(2, "firing"), event(3, "resolved")
    found = merged(told(pending, firing), told(firing, resolved))
    assert [one.event.transition for one in found] == [1, 2, 3]


def test_the_latest_episode_may_be_known_to_one_of_the_two_only() -> None:
    old, new = event(1, "firing"), event(1, "firing", AT + 60_000)
    assert merged(told(old), told(new)) == told(new)
    assert merged(told(new), told(old)) == told(new)
    assert merged([], []) == []


def test_what_has_become_of_the_rule() -> None:
    fates = {}
    for fate, groups in {
        "same": {"g": GROUP},
        "changed": {"g": GROUP.model_copy(update={"rules": [RULE.model_copy(update={"for_ms": 5})]})},
        "gone": {"g": GROUP.model_copy(update={"rules": []})},
    }.items():
        fates[fate] = detail(told(event(1, "firing")), {}, groups, "history").rule.now
    assert fates == {fate: fate for fate in fates}
    assert detail(told(event(1, "firing")), {}, {}, "history").rule.now == "gone"


def test_told_events_are_bounded_and_known_by_episode() -> None:
    events = ToldEvents()
    for one in (event(2, "firing"), event(1, "pending"), event(1, "pending", AT + 60_000), event(2, "firing")):
        events.put(one, AT)
    assert [one.event.transition for one in events.of(ALERT, AT)] == [1, 2]
    assert [one.event.episode for one in events.of(ALERT, None)] == [AT + 60_000]
    for number in range(MOST_EVENTS):
        events.put(event(1, "firing", AT + 10**6 + number), AT)
    assert events.of(ALERT, AT) == []


def current(*, shadow: bool, transition: int = 2) -> CurrentAlert:
    fired = event(transition, "firing", shadow=shadow, fired_at=AT)
    fields = {name: getattr(fired, name) for name in CurrentAlert.model_fields if hasattr(fired, name)}
    return CurrentAlert(**fields, since=AT, last_event_id=fired.id, last_transition=transition)


def test_alerts_of_shadow_rules_are_kept_apart_and_change_sides_with_their_rule() -> None:
    ours, shadows = ActiveAlerts(), ActiveAlerts(shadow=True)

    def put(state: CurrentAlert | None) -> tuple[int, int]:
        for view in (ours, shadows):
            view.put_state(ALERT, state)
        return len(ours.active()), len(shadows.active())

    assert put(current(shadow=True)) == (0, 1)
    assert shadows.active()[0].shadow
    assert put(current(shadow=False)) == (1, 0)
    assert put(current(shadow=True)) == (0, 1)
    assert put(None) == (0, 0)
    assert shadows.put_event(event(2, "firing", AT + 60_000)) is None
    assert ours.put_event(event(2, "firing", AT + 60_000)) is not None


def test_the_version_to_explain() -> None:
    edited = GROUP.model_copy(update={"version": 5, "rules": [RULE.model_copy(update={"expr": "cpu_usage > 60"})]})
    both = Versions(GROUP, edited, AT)
    assert choose("HighCPU", None, None, both).explained == "then"
    assert choose("HighCPU", None, "now", both).rule.expr == "cpu_usage > 60"
    assert choose("HighCPU", None, None, both).changed
    assert not choose("HighCPU", None, None, Versions(GROUP, GROUP, AT)).changed
    assert choose("HighCPU", None, None, Versions(None, edited)).explained == "now"
    with pytest.raises(NoSuchRule):
        choose("HighCPU", None, "then", Versions(None, edited))
    with pytest.raises(NoSuchRule):
        choose("HighCPU", 1, None, both)
    twins = Versions(None, GROUP.model_copy(update={"rules": [RULE, RULE]}))
    with pytest.raises(Ambiguous):
        choose("HighCPU", None, None, twins)
    assert choose("HighCPU", 1, None, twins).place == 1
