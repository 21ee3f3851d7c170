"""Alerts that fire for longer than the bus keeps events and the ledger."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.core.standing import event_of
from tests.unit.notifier.events import alert_event
from tests.unit.notifier.test_engine import H, M, S, T, down, shown, up, world
from tests.unit.notifier.world import World, current_of

DAY = 24 * H
KEPT = 30 * DAY
SELDOM = {"group_interval_ms": 12 * H, "repeat_interval_ms": 400 * DAY}


def lived(made: World, until_ms: int, restarts: bool = False) -> World:
    """Days go by, and the bus forgets."""
    while made.now_ms < until_ms:
        made.run(min(made.now_ms + DAY, until_ms))
        made.commit()
        made.forget(made.now_ms - KEPT)
        if restarts:
            made.start()
    return made


@pytest.mark.parametrize("restarts", [True, False])
def test_it_is_told_once_again_after_a_restart_neither_and_of_its_end(restarts: bool) -> None:
    made = world(up("a", T), down("a", T, T + 100 * DAY), immediate=True, **SELDOM)
    made.now_ms = T
    lived(made, T + 99 * DAY, restarts).start()
    made.run(T + 101 * DAY)
    assert [(at // 86_400, alerts) for at, _, alerts in shown(made)] == [
        (0, [("a", "firing")]),
        (100, [("a", "resolved")]),
    ]


def test_it_is_repeated_after_a_restart() -> None:
    made = world(up("a", T), immediate=True, group_interval_ms=H, repeat_interval_ms=40 * DAY)
    made.now_ms = T
    lived(made, T + 35 * DAY).start()
    made.run(T + 50 * DAY)
    assert [occasion for _, occasion, _ in shown(made)] == ["change", "repeat"]


def test_its_end_is_told_although_it_was_silenced_for_longer_than_the_ledger_is_kept() -> None:
    made = world(up("a", T), down("a", T, T + 50 * DAY), immediate=True)
    made.now_ms = T
    made.run(T + M)
    made.terms.muted["a"] = ["silence:s"]
    lived(made, T + 49 * DAY, restarts=True)
    made.run(T + 51 * DAY)
    assert [alerts for *_, alerts in shown(made)] == [[("a", "firing")], [("a", "resolved")]]


def test_what_is_written_again_speaks_only_of_what_still_fires() -> None:
    made = world(up("a", T), up("b", T), down("b", T, T + H), **SELDOM)
    made.now_ms = T
    lived(made, T + 20 * DAY)
    made.start()
    told = made.ledger[-1]
    assert (told.state, [one.event_id for one in told.alerts]) == ("sent", [up("a", T).id])
    assert made.written_ms[-1] == made.now_ms
    assert (
        len([entry for entry in made.ledger if entry.id == told.id]) == 2 + 3
    )  # after 7 and 14 days, and at the start


def test_a_notifier_that_begins_with_nothing_tells_what_fires_of_long_ago() -> None:
    made = world(up("a", T), immediate=True)
    made.now_ms = T + 40 * DAY
    made.forget(T + 10 * DAY)
    made.committed = (0, 0, 0)
    made.start()
    made.run(T + 40 * DAY + S)
    assert [alerts for *_, alerts in shown(made)] == [[("a", "firing")]]


def test_the_event_is_that_of_the_state() -> None:
    event = alert_event("a", 2, "firing", T, T, fired_at=T)
    told = event_of(current_of(event))
    same = {"id", "alert_id", "fingerprint", "labels", "annotations", "severity", "message", "episode", "transition"}
    assert told.model_dump(include=same | {"fired_at", "instant"}) == event.model_dump(
        include=same | {"fired_at", "instant"}
    )


@settings(max_examples=60, deadline=None)
@given(
    ends=st.lists(st.integers(1, 90), min_size=1, max_size=3),
    restarts=st.sets(st.integers(0, 95)),
    silenced=st.sets(st.integers(0, 95)),
)
def test_whenever_it_restarts_each_beginning_and_each_end_is_told_once(
    ends: list[int], restarts: set[int], silenced: set[int]
) -> None:
    rules = "abc"[: len(ends)]
    ended = [down(rule, T, T + day * DAY) for rule, day in zip(rules, ends, strict=True)]
    events = [*(up(rule, T) for rule in rules), *ended]
    made = world(*events, immediate=True, **SELDOM)
    made.now_ms = T
    made.run(T + S)
    for day in range(96):
        made.terms.muted = {rule: ["silence:s"] for rule in rules if day in silenced}
        lived(made, T + day * DAY + 12 * H)
        if day in restarts:
            made.start()
    made.terms.muted = {}
    made.run(T + 100 * DAY)
    told = [fact for *_, alerts in shown(made) for fact in alerts]
    assert sorted(told) == sorted((rule, status) for rule in rules for status in ("firing", "resolved"))
