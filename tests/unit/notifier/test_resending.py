"""What Alertmanagers are told when: tables of times, as Prometheus' rules have them."""

import itertools

import pytest

from services.notifier.core.resending import Push, Resending, ResendRules, needs_sending
from shared.messages.alerts import AlertEvent, CurrentAlert, State, alert_id, event_id, fingerprint
from tests.unit.notifier.events import alert_event

NOW = 1_700_000_000_000
SECOND, MINUTE = 1_000, 60_000
RULES = ResendRules(delay_ms=MINUTE, resolved_retention_ms=15 * MINUTE)
MANY = 1_000


def current(rule: str, state: str, transition: int = 1, episode: int = NOW, **changes: object) -> CurrentAlert:
    labels = {"alertname": rule, "type": "business"}
    alert = alert_id("group", rule, labels)
    fields = {
        "alert_id": alert,
        "fingerprint": fingerprint(labels),
        "group": "group",
        "rule": rule,
        "rule_version": "1",
        "episode": episode,
        "state": state,
        "since": episode,
        "fired_at": episode if state == "firing" else None,
        "labels": labels,
        "severity": "warning",
        "message": "",
        "value": 1.0,
        "expr": "x > 0",
        "last_event_id": event_id(alert, episode, transition),
        "last_transition": transition,
    }
    return CurrentAlert.model_validate(fields | changes)


def event(rule: str, state: State, transition: int, instant: int, episode: int = NOW, **changes: object) -> AlertEvent:
    return alert_event(rule, transition, state, instant, episode, **changes)


class Told:
    """A `Resending` with one rule's alert, asked at times in seconds after NOW."""

    def __init__(self, rules: ResendRules = RULES) -> None:
        self.resending = Resending(rules)
        self.alert = alert_id("group", "r", {"alertname": "r", "type": "business"})

    def state(self, state: str | None, transition: int = 1, episode_s: int = 0, **changes: object) -> None:
        told = None if state is None else current("r", state, transition, NOW + episode_s * SECOND, **changes)
        self.resending.put_state(self.alert, told)

    def event(
        self,
        state: State,
        transition: int,
        at_s: int,
        episode_s: int = 0,
        accepted_s: int | None = None,
        **changes: object,
    ) -> None:
        told = event("r", state, transition, NOW + at_s * SECOND, NOW + episode_s * SECOND, **changes)
        self.resending.put_event(told, NOW + (at_s if accepted_s is None else accepted_s) * SECOND)

    def sent(self, *at_s: float) -> list[tuple[float, str, float, float]]:
        """(when, what, startsAt, endsAt) of what is due at each time, in seconds after NOW."""
        found = []
        for when in at_s:
            for push in self.resending.due(NOW + round(when * SECOND), MANY):
                what = "resolved" if push.resolved else "firing"
                found.append((when, what, (push.starts_at_ms - NOW) / SECOND, (push.ends_at_ms - NOW) / SECOND))
        return found


@pytest.mark.parametrize(
    ("sent_s", "now_s", "needed"),
    [
        (None, 0, True),
        (0, 0, False),
        (0, 59.9, False),
        (0, 60, False),
        (0, 60.001, True),
        (0, 600, True),
        (10, 0, False),
    ],
)
def test_needs_sending(sent_s: float | None, now_s: float, needed: bool) -> None:
    sent_ms = None if sent_s is None else NOW + round(sent_s * SECOND)
    assert needs_sending(sent_ms, NOW + round(now_s * SECOND), MINUTE) is needed


def test_what_fires_is_sent_at_once_and_again_after_each_delay() -> None:
    told = Told()
    told.state("firing", 2, fired_at=NOW + 5 * SECOND)
    assert told.sent(10, 11, 69, 70, 71, 130, 132, 500) == [
        (10, "firing", 5, 250),
        (71, "firing", 5, 311),
        (132, "firing", 5, 372),
        (500, "firing", 5, 740),
    ]


def test_what_is_over_is_sent_at_once_and_again_for_as_long_as_it_is_retained() -> None:
    told = Told()
    told.state("firing")
    assert told.sent(1) == [(1, "firing", 0, 241)]
    told.event("resolved", 2, at_s=20)
    told.state(None)
    assert told.sent(21, 60, 81, 82, 143) == [
        (21, "resolved", 0, 20),
        (82, "resolved", 0, 20),
        (143, "resolved", 0, 20),
    ]
    assert told.sent(920) == [(920, "resolved", 0, 20)]
    assert told.sent(920.001, 981, 5_000) == []
    assert (told.resending.firing, told.resending.resolved) == (0, 0)


def test_pending_alerts_are_not_sent() -> None:
    told = Told()
    told.event("pending", 1, at_s=0)
    told.state("pending")
    assert told.sent(1, 100) == []
    told.event("firing", 2, at_s=110)
    told.state("firing", 2, fired_at=NOW + 110 * SECOND)
    assert told.sent(111) == [(111, "firing", 110, 351)]
    told.event("inactive", 2, at_s=120, episode_s=115)
    assert told.sent(172) == [(172, "firing", 110, 412)]


def test_alerts_of_shadow_rules_are_not_sent_until_they_are_promoted() -> None:
    told = Told()
    told.state("firing", shadow=True)
    told.event("resolved", 2, at_s=5, shadow=True)
    assert told.sent(1, 100) == []
    told = Told()
    told.state("firing", shadow=True)
    told.state("firing")
    assert told.sent(1) == [(1, "firing", 0, 241)]
    told.state("firing", shadow=True)
    assert told.sent(62) == []
    told.state("firing")
    assert told.sent(63) == [(63, "firing", 0, 303)]


def test_a_new_episode_is_sent_at_once_and_the_former_end_no_more() -> None:
    told = Told()
    told.state("firing")
    assert told.sent(0) == [(0, "firing", 0, 240)]
    told.event("resolved", 2, at_s=10)
    told.state(None)
    assert told.sent(10) == [(10, "resolved", 0, 10)]
    told.state("pending", 1, episode_s=20)
    assert told.sent(71) == [(71, "resolved", 0, 10)], "the former end is told on while the next one is pending"
    told.state("firing", 2, episode_s=20, fired_at=NOW + 80 * SECOND)
    assert told.sent(80, 141) == [(80, "firing", 80, 320), (141, "firing", 80, 381)]
    assert (told.resending.firing, told.resending.resolved) == (1, 0)


STATES: list[tuple[str | None, int]] = [("firing", 0), (None, 0), ("firing", 100)]
EVENTS: list[tuple[State, int, int, int]] = [("firing", 1, 0, 0), ("resolved", 2, 50, 0), ("firing", 1, 100, 100)]


@pytest.mark.parametrize("order", sorted(set(itertools.permutations("eeesss"))))
def test_however_the_topics_interleave_the_outcome_is_the_same(order: tuple[str, ...]) -> None:
    told, states, events = Told(), iter(STATES), iter(EVENTS)
    for topic in order:
        if topic == "s":
            state, episode = next(states)
            told.state(state, 1, episode)
        else:
            what, transition, at, episode = next(events)
            told.event(what, transition, at, episode)
    assert told.sent(101, 162) == [(101, "firing", 100, 341), (162, "firing", 100, 402)]


@pytest.mark.parametrize("tombstone_first", [True, False])
def test_the_end_is_told_whether_the_tombstone_or_the_event_comes_first(tombstone_first: bool) -> None:
    told = Told()
    told.state("firing")
    assert told.sent(0) == [(0, "firing", 0, 240)]
    if tombstone_first:
        told.state(None)
        assert told.sent(61) == [], "it is over, though not known since when"
    told.event("resolved", 2, at_s=55)
    if not tombstone_first:
        told.state(None)
    assert told.sent(62) == [(62, "resolved", 0, 55)]


def test_a_state_that_comes_after_the_end_does_not_revive_it() -> None:
    told = Told()
    told.event("resolved", 2, at_s=10)
    told.state("firing")
    assert told.sent(11) == [(11, "resolved", 0, 10)]
    assert told.sent(2_000) == [], "forgotten"
    told.state("firing")
    told.event("resolved", 2, at_s=10, accepted_s=2_000)
    assert told.sent(2_001) == [], "alerting sent both a second time after a crash"


def test_an_end_that_comes_twice_is_told_for_no_longer() -> None:
    told = Told()
    told.state("firing", 2, fired_at=NOW + 5 * SECOND)
    told.event("resolved", 3, at_s=20, fired_at=NOW + 5 * SECOND)
    assert told.sent(21) == [(21, "resolved", 5, 20)]
    told.event("resolved", 3, at_s=20, fired_at=NOW + 5 * SECOND, accepted_s=600)
    assert told.sent(22) == []
    assert told.sent(921) == []


def test_after_a_start_what_fires_and_what_has_ended_lately_is_told() -> None:
    told = Told()
    told.event("resolved", 2, at_s=-600)
    assert told.sent(0) == [(0, "resolved", 0, -600)]
    late = Told()
    late.event("resolved", 2, at_s=-7_200, accepted_s=-60)
    assert late.sent(0) == [(0, "resolved", 0, -7_200)], "made up after an outage: the bus has it since a minute"
    old = Told()
    old.event("resolved", 2, at_s=-901, accepted_s=-901)
    assert old.sent(0) == []


def test_silence_ends_nothing() -> None:
    told = Told()
    told.state("firing")
    assert [when for when, what, _, _ in told.sent(*range(0, 86_400, 61)) if what == "firing"] == [
        *range(0, 86_400, 61)
    ]


def test_changed_annotations_go_with_the_next_sending() -> None:
    told = Told()
    told.state("firing")
    told.sent(0)
    told.state("firing", annotations={"summary": "now so"})
    assert told.resending.due(NOW + 1, MANY) == []
    (push,) = told.resending.due(NOW + 61 * SECOND, MANY)
    assert push.annotations == {"summary": "now so"}


def test_no_alert_ends_before_it_began_though_its_sender_lives_in_the_future() -> None:
    told = Told()
    told.state("firing", fired_at=NOW + 600 * SECOND)
    assert told.sent(0) == [(0, "firing", 600, 840)]


def labels(pushes: list[Push]) -> list[str]:
    return [push.labels["alertname"] for push in pushes]


def test_at_most_as_many_as_wanted_and_those_that_wait_longest_first() -> None:
    resending = Resending(RULES)
    for number in range(5):
        told = current(f"r{number}", "firing")
        resending.put_state(told.alert_id, told)
    assert labels(resending.due(NOW, 2)) == ["r0", "r1"]
    assert resending.wait_ms(NOW) == 0
    assert labels(resending.due(NOW + SECOND, 2)) == ["r2", "r3"]
    assert labels(resending.due(NOW + 61 * SECOND, 3)) == ["r4", "r0", "r1"], "news first"
    assert resending.due(NOW + 61 * SECOND, 0) == []
    assert resending.wait_ms(NOW + 61 * SECOND) == 1
    assert labels(resending.due(NOW + 61 * SECOND + 1, 9)) == ["r2", "r3"]
    assert resending.wait_ms(NOW + 62 * SECOND) == 59_001
    assert Resending(RULES).wait_ms(NOW) is None
