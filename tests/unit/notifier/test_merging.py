"""A receiver that stays away: what fires and what ends stays owed, the oldest of what passed is only counted."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings

from services.notifier.core import planning
from services.notifier.core.composing import headline
from services.notifier.core.destinations import Destination
from services.notifier.core.merging import MERGED, Limits
from services.notifier.core.phrases import LANGUAGES
from services.notifier.core.text import text
from shared.messages.alerts import AlertEvent
from shared.routing.receivers import Fallback
from shared.routing.tree import RouteDraft, build
from tests.unit.notifier import test_engine_faults as faults
from tests.unit.notifier.events import alert_event
from tests.unit.notifier.notices import wording
from tests.unit.notifier.world import FakeTerms, World

T, S, M = 1_700_000_000_000, 1_000, 60_000
EACH = RouteDraft(receiver="ops", immediate=True)
TINY = Limits(waiting=10, open=3, of_alert=4)


def world(limits: Limits = TINY, route: RouteDraft = EACH) -> World:
    made = World(FakeTerms(root=build(route)), limits=limits)
    made.now_ms = T
    return made


def up(made: World, rule: str) -> AlertEvent:
    """It fires now."""
    made.now_ms += S
    event = alert_event(rule, 1, "firing", made.now_ms, made.now_ms)
    made.publish(event, made.now_ms)
    made.look()
    return event


def down(made: World, event: AlertEvent) -> None:
    """It is over now."""
    made.now_ms += S
    made.publish(alert_event(event.rule, 2, "resolved", made.now_ms, event.episode), made.now_ms)
    made.look()


def blip(made: World, rule: str) -> None:
    down(made, up(made, rule))


def merged_in(made: World) -> int:
    return len({entry.id for entry in made.ledger if entry.muted_by == [MERGED]})


def told(made: World) -> dict[str, list[str]]:
    """By rule, what arrived in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for _, one in made.arrived:
        for alert in one.notice.alerts:
            found[alert.event.rule].append(alert.status)
    return found


def test_what_has_passed_is_counted_and_the_rest_stays_owed() -> None:
    made = world()
    known = up(made, "known")
    made.run(made.now_ms)  # the receiver hears of it, and is away from then on
    for number in range(3):
        up(made, f"under-way-{number}")
    down(made, known)
    for number in range(100):
        blip(made, f"blip-{number}")
    for number in range(20):
        up(made, f"fires-{number}")
    waiting = made.engine.waiting_by_receiver()["ops"]
    assert len(made.open) == TINY.open
    assert waiting <= 3 + 1 + 20 + TINY.waiting
    merged = merged_in(made)
    assert 100 - TINY.waiting <= merged < 100
    made.run(made.now_ms + M)
    found = told(made)
    assert found["known"] == ["firing", "resolved"]
    assert all(found[f"fires-{number}"] == ["firing"] for number in range(20))
    passed = [rule for rule, states in found.items() if states == ["passed"]]
    assert len(passed) == 100 - merged
    assert "blip-99" in passed, "the oldest go first"
    assert sum(one.notice.merged for _, one in made.arrived) == merged


def test_an_alert_that_flaps_all_the_while_keeps_its_end_and_its_beginning() -> None:
    made = world(Limits(waiting=1_000, open=3, of_alert=4))
    first = up(made, "a")
    made.run(made.now_ms)
    busy = [up(made, f"busy-{number}") for number in range(3)]
    down(made, first)
    for _ in range(20):
        blip(made, "a")
    up(made, "a")
    assert merged_in(made) >= 17
    made.run(made.now_ms + M)
    states = told(made)["a"]
    assert states[:2] == ["firing", "resolved"]
    assert states[-1] == "firing"
    assert states.count("passed") + merged_in(made) == 20
    assert all(told(made)[one.rule] == ["firing"] for one in busy)


def test_others_are_told_meanwhile() -> None:
    route = RouteDraft(
        receiver="ops",
        routes=(
            RouteDraft(receiver="ops", immediate=True, continue_=True),
            RouteDraft(receiver="boss", immediate=True),
        ),
    )
    made = world(route=route)
    for number in range(50):
        up(made, f"r-{number}")
        for one in [one for one in made.open if one.destination.receiver == "boss"]:
            made.answer(one)
    assert told(made) == {f"r-{n}": ["firing"] for n in range(50)}
    assert {one.destination.receiver for one in made.open} == {"ops"}


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("limits", [TINY, Limits()])
def test_after_a_kill_the_same_are_counted_once(stored: bool, limits: Limits) -> None:
    made = world()
    for number in range(3):
        up(made, f"under-way-{number}")
    for number in range(40):
        blip(made, f"blip-{number}")
    merged = merged_in(made)
    if stored:
        made.commit()
    made.limits = limits
    made.start()
    blip(made, "last")
    made.run(made.now_ms + M)
    assert merged_in(made) == len([entry for entry in made.ledger if entry.muted_by == [MERGED]])
    assert sum(one.notice.merged for _, one in made.arrived) == merged_in(made) >= merged
    over = [rule for rule, states in told(made).items() if states[-1] != "firing"]
    assert len(over) + merged_in(made) == 41


def test_what_a_digest_has_told_is_not_taken_off_twice() -> None:
    made = world()
    for number in range(3):
        up(made, f"under-way-{number}")
    for number in range(40):
        blip(made, f"before-{number}")
    while not any(one.notice.merged for one in made.open):
        made.answer(made.open[0])
        made.look()
    (digest,) = [one for one in made.open if one.notice.merged]
    for number in range(40):
        blip(made, f"after-{number}")
    made.answer(digest)
    made.start()
    made.run(made.now_ms + M)
    assert sum(one.notice.merged for _, one in made.arrived) == merged_in(made) > digest.notice.merged


def test_what_waits_for_those_under_way_goes_another_way_as_soon() -> None:
    made = world()
    made.terms.fallbacks["ops"] = Fallback(2 * M, "telegram")
    made.terms.ways["telegram"] = [Destination("telegram", "webhook")]
    for number in range(9):
        up(made, f"r-{number}")
    started = made.now_ms

    def helpful() -> None:
        made.look()
        for one in [one for one in made.open if one.destination.receiver == "telegram"]:
            made.answer(one)

    made.now_ms += 3 * M
    for _ in range(20):
        helpful()
    assert {rule for rule, states in told(made).items() if states == ["firing"]} == {f"r-{n}" for n in range(9)}
    assert all(at - started <= 3 * M for at, _ in made.arrived)


def test_a_digest_says_how_many_more() -> None:
    made = world()
    for number in range(3):
        up(made, f"under-way-{number}")
    for number in range(40):
        blip(made, f"blip-{number}")
    made.run(made.now_ms + M)
    (digest,) = [one.notice for _, one in made.arrived if one.notice.merged]
    total = len(digest.alerts) + digest.merged
    assert f"{total} passed" in headline(digest, LANGUAGES["en"])
    assert f"{digest.merged} more" in text(digest, replace(wording(), language="en"), 4_000)


@settings(max_examples=100, deadline=None)
@given(steps=faults.STEPS)
def test_whatever_happens_each_episode_is_told_or_counted(steps: list[tuple[str, object]]) -> None:
    world, alerts = faults.played("each", steps, Limits(waiting=3, open=1, of_alert=2))
    heard: dict[tuple[str, int], list[str]] = defaultdict(list)
    for _, one in world.arrived:
        for rule, episode, status in faults.facts(one):
            if status not in heard[rule, episode]:
                heard[rule, episode].append(status)
    merged = {(one.alert_id, one.episode) for e in world.ledger if e.muted_by == [MERGED] for one in e.alerts}
    ids = {event.rule: event.alert_id for _, event in world.log}
    for rule, episodes in alerts.episodes.items():
        for episode, _ in episodes:
            states, counted = heard.get((rule, episode), []), (ids[rule], episode) in merged
            if not faults.has_failed(world, rule, episode):
                assert (states, counted) in ((["firing", "resolved"], False), (["passed"], False), ([], True))
    by_id = {entry.id: entry.merged for entry in world.ledger}
    assert sum(by_id.values()) <= len(merged)


def test_what_waits_at_a_receiver_is_not_looked_at_because_of_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MOST_ALERTS", 50)
    made = world(Limits(waiting=1_000, open=1_000))
    for number in range(200):
        made.publish(alert_event(f"r{number}", 1, "firing", T, T), T)
        made.publish(alert_event(f"r{number}", 2, "resolved", T + 1, T), T + 1)
    made.look(T + 2)  # one digest is under way, and the rest waits for its answer
    asked: list[object] = []
    monkeypatch.setattr(made.terms, "muted_by", lambda *one: asked.append(one))
    up(made, "more")
    assert len(asked) < 10
