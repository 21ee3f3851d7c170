"""The active alerts, made of two topics that arrive in any relative order."""

import itertools
import math

import pytest

from services.api.core.alerts import ActiveAlerts
from shared.messages.alerts import AlertEvent, CurrentAlert, Severity, State, episode_id

NOW = 1_700_000_000_000
EVENT, STATE, TOMBSTONE = "event", "state", "tombstone"
COMMON = {
    "alert_id": "a",
    "fingerprint": "f",
    "group": "g",
    "rule": "r",
    "rule_version": "v",
    "labels": {},
    "message": "m",
    "value": 1.0,
    "expr": "x > 1",
}


def event(state: State, transition: int, episode: int = NOW, **changes: object) -> AlertEvent:
    fields = {"id": f"{episode}-{transition}", "episode": episode, "transition": transition, "state": state}
    fields |= {"previous_state": "inactive", "instant": episode + transition, "severity": "warning"}
    return AlertEvent.model_validate(COMMON | fields | changes)


def current(state: str, transition: int, episode: int = NOW, **changes: object) -> CurrentAlert:
    fields = {"episode": episode, "state": state, "since": episode, "severity": "warning"}
    fields |= {"last_event_id": "e", "last_transition": transition}
    return CurrentAlert.model_validate(COMMON | fields | changes)


def statuses(view: ActiveAlerts) -> list[tuple[str, str]]:
    return [(alert.id, alert.status) for alert in view.active()]


def test_pending_and_firing_are_active() -> None:
    view = ActiveAlerts()
    view.put_state("a", current("pending", 1))
    assert statuses(view) == [(episode_id("a", NOW), "pending")]
    view.put_state("a", current("firing", 2, fired_at=NOW + 5))
    assert statuses(view) == [(episode_id("a", NOW), "firing")]
    assert view.active()[0].created_at == NOW + 5
    view.put_state("a", None)
    assert statuses(view) == []


EVENTS = [event("firing", 1), event("resolved", 2), event("firing", 1, NOW + 100)]
STATES = [current("firing", 1), None, current("firing", 1, NOW + 100)]


@pytest.mark.parametrize("order", sorted(set(itertools.permutations([EVENT] * 3 + [STATE] * 3))))
def test_however_the_topics_interleave_the_outcome_is_the_same(order: tuple[str, ...]) -> None:
    view = ActiveAlerts()
    events, states = iter(EVENTS), iter(STATES)
    for topic in order:
        if topic == EVENT:
            view.put_event(next(events))
        else:
            view.put_state("a", next(states))
    assert statuses(view) == [(episode_id("a", NOW + 100), "firing")]


def test_a_state_from_before_the_end_does_not_revive_an_alert() -> None:
    view = ActiveAlerts()
    view.put_event(event("firing", 1))
    view.put_event(event("resolved", 2))
    view.put_state("a", current("firing", 1))
    assert statuses(view) == []


def test_only_news_is_announced() -> None:
    view = ActiveAlerts()
    first = view.put_event(event("firing", 1))
    assert first is not None
    assert first.status == "firing"
    over = view.put_event(event("resolved", 2))
    assert over is not None
    assert over.resolved_at == NOW + 2
    assert view.put_event(event("firing", 1)) is None, "a redelivery from before"
    assert view.put_event(event("resolved", 2)) is None


def test_what_just_resolved_is_known_until_the_database_has_it() -> None:
    view = ActiveAlerts()
    view.put_event(event("pending", 1, fired_at=None))
    view.put_event(event("inactive", 2))
    assert view.resolved() == [], "it never fired"
    view.put_event(event("firing", 1, NOW + 100, fired_at=NOW + 100))
    view.put_event(event("resolved", 2, NOW + 100, fired_at=NOW + 100))
    assert [(one.id, one.status) for one in view.resolved()] == [(episode_id("a", NOW + 100), "resolved")]
    assert view.resolved("critical") == []


def test_a_pending_alert_that_never_fired_ends_without_a_word() -> None:
    view = ActiveAlerts()
    view.put_event(event("pending", 1))
    assert view.put_event(event("inactive", 2)) is None
    assert statuses(view) == []


def test_shadow_rules_are_nobodys_business() -> None:
    view = ActiveAlerts()
    assert view.put_event(event("firing", 1, shadow=True)) is None
    view.put_state("a", current("firing", 1, shadow=True))
    assert statuses(view) == []


def test_an_alert_is_nobodys_business_while_its_rule_is_a_shadow() -> None:
    view = ActiveAlerts()
    view.put_state("a", current("firing", 1))
    view.put_state("a", current("firing", 1, shadow=True))
    assert statuses(view) == []
    assert view.told() == []
    view.put_state("a", current("firing", 1))
    assert statuses(view) == [(episode_id("a", NOW), "firing")]
    assert [one.state for one in view.told()] == ["firing"]
    view.put_state("a", None)
    assert view.told() == []


def test_newest_first_and_by_severity() -> None:
    view = ActiveAlerts()
    levels: list[Severity] = ["warning", "critical", "info"]
    for number, severity in enumerate(levels):
        view.put_state(str(number), current("firing", 1, NOW + number, alert_id=str(number), severity=severity))
    assert [alert.alert_id for alert in view.active()] == ["2", "1", "0"]
    assert [alert.alert_id for alert in view.active("critical")] == ["1"]


def test_json_has_no_number_for_infinity() -> None:
    view = ActiveAlerts()
    view.put_state("a", current("firing", 1, value=math.inf))
    assert view.active()[0].value is None


def test_a_tombstone_that_is_told_again_ends_no_later_episode_for_good() -> None:
    """After a crash alerting folds the last seconds again: fire, resolve, fire, all with the same words."""
    view = ActiveAlerts()
    for _ in range(2):
        view.put_state("a", current("firing", 1))
        view.put_state("a", None)
        view.put_state("a", current("firing", 1, NOW + 100))
    assert statuses(view) == [(episode_id("a", NOW + 100), "firing")]
