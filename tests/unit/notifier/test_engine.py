"""When who is told what: groups, intervals, repetitions, cooldowns, and what is missed."""

import pytest

from services.notifier.core.destinations import Destination
from services.notifier.core.flapping import Damping
from shared.messages.alerts import AlertEvent, State
from shared.routing.receivers import Fallback
from shared.routing.tree import Escalation, RouteDraft, build
from tests.unit.notifier.events import alert_event
from tests.unit.notifier.world import FakeTerms, World

S, M, H = 1_000, 60_000, 3_600_000
T = 1_700_000_000_000


def up(rule: str, at_ms: int, **changes: object) -> AlertEvent:
    return alert_event(rule, 1, "firing", at_ms, at_ms, **changes)


def down(rule: str, episode: int, at_ms: int, **changes: object) -> AlertEvent:
    return alert_event(rule, 2, "resolved", at_ms, episode, **changes)


def world(*events: AlertEvent, **route: object) -> World:
    """With one route; each event is accepted at its instant."""
    made = World(FakeTerms(root=build(RouteDraft(receiver="ops", **route))))  # type: ignore[arg-type]
    for event in sorted(events, key=lambda one: one.instant):
        made.publish(event, event.instant)
    return made


def shown(made: World, destination: str | None = None) -> list[tuple[int, str, list[tuple[str, str]]]]:
    """Seconds since T, occasion, alerts."""
    return [((at - T) // S, occasion, alerts) for at, occasion, alerts in made.told(destination)]


def test_a_group_waits_and_then_goes_by_its_interval() -> None:
    made = world(up("a", T), up("b", T + 10 * S), up("c", T + 40 * S), down("a", T, T + 60 * S))
    made.run(T + 20 * M)
    assert shown(made) == [
        (30, "change", [("a", "firing"), ("b", "firing")]),
        (330, "change", [("b", "firing"), ("c", "firing"), ("a", "resolved")]),
    ]


def test_what_is_over_before_the_first_look_is_not_told() -> None:
    made = world(up("a", T), down("a", T, T + 20 * S))
    made.run(T + 20 * M)
    assert shown(made) == []


def test_immediate_tells_each_change_at_once_and_by_itself() -> None:
    made = world(up("a", T), up("b", T + S), down("a", T, T + 2 * S), immediate=True)
    made.run(T + 20 * M)
    assert shown(made) == [
        (0, "change", [("a", "firing")]),
        (1, "change", [("b", "firing")]),
        (2, "change", [("a", "resolved")]),
    ]


def test_an_immediate_rule_does_not_wait_for_its_group() -> None:
    made = world(up("a", T, immediate=True))
    made.run(T + 10 * S)
    assert shown(made) == [(0, "change", [("a", "firing")])]


def test_what_fires_is_told_again_after_the_repeat_interval() -> None:
    made = world(up("a", T), group_wait_ms=0, group_interval_ms=5 * M, repeat_interval_ms=12 * M)
    made.run(T + 31 * M)
    assert [(at // 60, occasion) for at, occasion, _ in shown(made)] == [(0, "change"), (15, "repeat"), (30, "repeat")]


def test_a_restart_with_an_unchanged_alert_tells_nothing() -> None:
    made = world(up("a", T), immediate=True)
    made.run(T + M)
    for _ in range(3):
        made.commit()
        made.start()
        made.run(made.now_ms + 10 * M)
    assert shown(made) == [(0, "change", [("a", "firing")])]


def test_a_restart_that_folds_earlier_episodes_again_tells_none_of_them() -> None:
    made = world(*(event for at in (T, T + 2 * S) for event in (up("a", at), down("a", at, at + S))), immediate=True)
    made.run(T + M)
    assert len(shown(made)) == 4
    made.start()
    made.run(T + 2 * M)
    assert len(shown(made)) == 4


@pytest.mark.parametrize("commit", [True, False])
def test_a_restart_within_a_groups_wait_does_not_begin_it_anew(commit: bool) -> None:
    made = world(up("a", T), up("b", T + 10 * S))
    made.run(T + 20 * S)
    if commit:
        made.commit()
    made.start()
    made.run(T + M)
    assert shown(made) == [(30, "change", [("a", "firing"), ("b", "firing")])]


def test_what_changes_while_the_notifier_is_down_is_told_once() -> None:
    made = world(up("a", T), up("b", T + 5 * M), down("a", T, T + 6 * M), immediate=True)
    made.run(T + M)
    made.commit()
    made.now_ms = T + 20 * M
    made.start()
    made.run(T + 21 * M)
    assert shown(made)[1:] == [(1200, "change", [("b", "firing")]), (1200, "change", [("a", "resolved")])]


def test_what_fired_and_resolved_while_the_notifier_was_down_is_one_digest() -> None:
    made = world(
        *(up(rule, T + 5 * M) for rule in "abc"), *(down(rule, T + 5 * M, T + 6 * M) for rule in "abc"), immediate=True
    )
    made.run(T)
    made.commit()
    made.now_ms = T + 20 * M
    made.start()
    made.run(T + 30 * M)
    assert [(occasion, sorted(alerts)) for _, occasion, alerts in shown(made)] == [
        ("digest", [("a", "passed"), ("b", "passed"), ("c", "passed")])
    ]


def test_what_happens_while_a_notice_is_under_way_waits_for_it() -> None:
    made = world(up("a", T), down("a", T, T + S), immediate=True)
    (first,) = made.look(T)
    assert made.look(T + M) == []
    made.answer(first)
    (second,) = made.look()
    assert [one.status for one in second.notice.alerts] == ["resolved"]


def test_the_end_of_what_was_never_announced_is_not_told() -> None:
    made = world(up("a", T), down("a", T, T + S), immediate=True)
    (first,) = made.look(T)
    made.look(T + M)
    made.answer(first, "failed")
    made.run(T + 20 * M)
    assert shown(made) == []


@pytest.mark.parametrize(("answered", "recorded"), [(False, False), (True, False)])
def test_what_was_under_way_at_a_kill_goes_out_as_it_was(answered: bool, recorded: bool) -> None:
    made = world(up("a", T), up("b", T + S), immediate=False, group_wait_ms=0, group_interval_ms=2 * S)
    (first,) = made.look(T)
    made.commit()
    if answered:
        made.answer(first, recorded=recorded)
    made.now_ms = T + 10 * S
    made.start()
    (again,) = made.open
    assert again.begun_before
    assert (again.record.id, again.notice.alerts) == (first.record.id, first.notice.alerts)
    made.run(T + M)
    assert shown(made)[-1][2] == [("a", "firing"), ("b", "firing")]


def test_an_alert_that_comes_back_within_its_cooldown_is_told_at_its_end() -> None:
    made = world(
        up("a", T, cooldown_ms=10 * M),
        down("a", T, T + M, cooldown_ms=10 * M),
        up("a", T + 2 * M, cooldown_ms=10 * M),
        down("a", T + 2 * M, T + 30 * M),
        immediate=True,
    )
    made.run(T + 40 * M)
    assert [(at // 60, alerts[0][1]) for at, _, alerts in shown(made)] == [
        (0, "firing"),
        (1, "resolved"),
        (10, "firing"),
        (30, "resolved"),
    ]


def test_and_not_at_all_if_it_is_over_by_then() -> None:
    made = world(
        up("a", T, cooldown_ms=10 * M),
        down("a", T, T + M, cooldown_ms=10 * M),
        up("a", T + 2 * M, cooldown_ms=10 * M),
        down("a", T + 2 * M, T + 3 * M),
        immediate=True,
    )
    made.run(T + 40 * M)
    assert [alerts[0][1] for _, _, alerts in shown(made)] == ["firing", "resolved"]
    assert ["cooldown"] in [entry.muted_by for entry in made.ledger]


def test_what_is_muted_is_told_at_the_first_look_after_and_recorded_once() -> None:
    made = world(up("a", T), group_wait_ms=0, group_interval_ms=M)
    made.terms.muted["a"] = ["silence:s"]
    made.run(T + 3 * M + S)
    assert shown(made) == []
    assert [entry.muted_by for entry in made.ledger if entry.muted_by] == [["silence:s"]]
    made.terms.muted.clear()
    made.run(T + 4 * M + S)
    assert shown(made) == [(240, "change", [("a", "firing")])]


def test_the_end_of_what_was_told_passes_what_mutes() -> None:
    made = world(up("a", T), down("a", T, T + M), immediate=True)
    made.run(T + S)
    made.terms.muted["a"] = ["silence:s"]
    made.run(T + 2 * M)
    assert [alerts for _, _, alerts in shown(made)] == [[("a", "firing")], [("a", "resolved")]]


def test_the_end_waits_for_the_rest_of_whoever_was_told() -> None:
    made = world(up("a", T), down("a", T, T + M), immediate=True)
    made.run(T + S)
    made.terms.quiet["ops/webhook/0"] = T + H
    made.run(T + 2 * H)
    assert shown(made)[1] == (3600, "change", [("a", "resolved")])


def test_who_does_not_acknowledge_is_helped() -> None:
    made = world(up("a", T), up("b", T), immediate=True, escalation=(Escalation(10 * M, "boss"),))
    made.run(T + S)
    made.terms.muted["b"] = ["acknowledgement:x"]
    made.run(T + 30 * M)
    assert shown(made, "boss/webhook/0") == [(600, "escalation", [("a", "firing")])]
    made.publish(down("a", T, made.now_ms), made.now_ms)
    made.run(T + 31 * M)
    assert shown(made, "boss/webhook/0")[1:] == [(1800, "change", [("a", "resolved")])]


@pytest.mark.parametrize("state", ["failed", None])
def test_who_cannot_be_told_is_replaced(state: str | None) -> None:
    made = world(up("a", T), immediate=True)
    made.terms.fallbacks["ops"] = Fallback(2 * M, "telegram")
    (first,) = made.look(T)
    if state is not None:
        made.answer(first, state)
    instead = made.look(T + 2 * M)
    assert [one.destination.name for one in instead] == ["telegram/webhook/0"]
    assert instead[0].notice.alerts == first.notice.alerts
    made.answer(instead[0])
    made.look()
    assert made.open == []
    made.publish(down("a", T, T + 3 * M), T + 3 * M)
    made.run(T + 4 * M)
    assert shown(made, "ops/webhook/0") == []
    assert [alerts for _, _, alerts in shown(made, "telegram/webhook/0")] == [[("a", "firing")], [("a", "resolved")]]


def test_who_was_told_before_the_routes_changed_is_told_the_end() -> None:
    made = world(up("a", T), down("a", T, T + 5 * M), immediate=True)
    made.terms.ways["old"] = [Destination("old", "webhook")]
    made.terms.root = build(RouteDraft(receiver="old", group_by=frozenset({"alertname"}), group_wait_ms=0))
    made.start()
    made.run(T + M)
    made.commit()
    made.terms.root = build(RouteDraft(receiver="new", immediate=True))
    made.start()
    made.run(T + 10 * M)
    assert shown(made, "old/webhook/0") == [(0, "change", [("a", "firing")]), (300, "change", [("a", "resolved")])]
    assert [alerts for _, _, alerts in shown(made, "new/webhook/0")] == [[("a", "firing")], [("a", "resolved")]]


@pytest.mark.parametrize("state", ["pending", "inactive"])
def test_nobody_is_told_of_other_states(state: State) -> None:
    made = world(alert_event("a", 1, state, T, T), immediate=True)
    made.run(T + M)
    assert shown(made) == []


def flapping(count: int, every_ms: int) -> list[AlertEvent]:
    """An alert that is there for half the time, and stays in the end."""
    times = [T + one * every_ms for one in range(count)]
    ends = [down("a", at, at + every_ms // 2) for at in times[:-1]]
    return [*(up("a", at) for at in times), *ends]


def test_an_alert_that_flaps_is_held_back_until_it_keeps_still() -> None:
    made = world(*flapping(6, M), immediate=True, group_interval_ms=M)
    made.terms.damping = Damping(most=3, within_ms=10 * M)
    made.run(T + 20 * M)
    told = [(at // 60, alerts) for at, _, alerts in shown(made)]
    assert told[:6] == [(one, [("a", state)]) for one in range(3) for state in ("firing", "resolved")]
    # From minute 12 on no more than three of its six beginnings are within ten minutes.
    # What came and went meanwhile is told at the next moment of digests.
    assert told[6:] == [(12, [("a", "firing")]), (16, [("a", "passed"), ("a", "passed")])]
    assert {reason for entry in made.ledger for reason in entry.muted_by} == {"flapping"}


def test_an_alert_that_comes_and_goes_slowly_does_not_flap() -> None:
    made = world(*flapping(6, 5 * M), immediate=True)
    made.terms.damping = Damping(most=3, within_ms=10 * M)
    made.run(T + 40 * M)
    assert len(shown(made)) == 11


@pytest.mark.parametrize("leaves", [True, False])
def test_what_may_have_arrived_is_repeated_or_left_as_is_wanted(leaves: bool) -> None:
    made = world(up("a", T), immediate=True)
    made.terms.leaves_unknown = leaves
    (first,) = made.look(T)
    made.answer(first, recorded=False)
    made.start()
    made.run(T + M)
    assert [one.record.id for _, one in made.arrived] == [first.record.id] * (1 if leaves else 2)
    assert [entry.state for entry in made.ledger][-1] == ("failed" if leaves else "sent")
