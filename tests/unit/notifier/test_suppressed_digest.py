"""What was held back and is over is told in one digest, once nothing would hold it back any more."""

from zoneinfo import ZoneInfo

import pytest

from services.notifier.core import suppressions
from services.notifier.core.destinations import Destination
from services.notifier.core.notice import Held
from services.notifier.core.planned import told_by
from services.notifier.core.suppressions import Suppressions
from shared.routing.digests import SuppressedDigest
from shared.routing.matcher_text import parse_matchers
from shared.routing.tree import RouteDraft, build
from tests.unit.notifier.test_engine import H, M, S, down, shown, up, world
from tests.unit.notifier.world import World

EVERY = 15 * M
T = 1_700_000_100_000
"""A moment of digests."""
FIRST = T + EVERY
"""The next one."""
ALERT_A = tuple(parse_matchers('alertname="a"'))


def silenced(made: World, until_ms: int, *rules: str) -> World:
    """The world at `until_ms`, when the silence is over."""
    for rule in rules:
        made.terms.muted[rule] = ["silence:s"]
    made.run(until_ms)
    made.terms.muted.clear()
    return made


def digests(made: World, destination: str | None = None) -> list[tuple[int, list[tuple[str, str]]]]:
    return [(at, alerts) for at, occasion, alerts in made.told(destination) if occasion == "digest"]


def test_what_a_silence_held_back_is_told_at_the_next_moment_after_its_end_in_one_notice() -> None:
    events = [up("a", T), up("b", T + S), up("c", T), down("a", T, T + 2 * M), down("b", T + S, T + EVERY + 2 * M)]
    made = silenced(world(*events, immediate=True), T + EVERY + 4 * M, "a", "b", "c")
    assert shown(made) == []
    made.run(T + 3 * EVERY)
    assert [(occasion, alerts) for _, occasion, alerts in shown(made)] == [
        ("change", [("c", "firing")]),
        ("digest", [("a", "passed"), ("b", "passed")]),
    ]
    assert digests(made)[0][0] == FIRST + EVERY
    told = {one.event.rule: one.held for _, planned in made.arrived for one in planned.notice.alerts}
    assert told["a"] == Held(("silence:s",), T, T + 2 * M)
    assert told["c"] is not None  # what still fires says too for how long it was held back
    assert told["c"].since_ms == T
    made.run(T + 24 * H)
    assert len(digests(made)) == 1


def test_what_was_told_before_it_was_muted_is_told_as_resolved_and_not_in_a_digest() -> None:
    made = world(up("a", T), down("a", T, T + 2 * M), immediate=True)
    made.run(T + M)
    silenced(made, T + 5 * M, "a")
    made.run(T + 3 * EVERY)
    assert [(occasion, alerts) for _, occasion, alerts in shown(made)] == [
        ("change", [("a", "firing")]),
        ("change", [("a", "resolved")]),
    ]


@pytest.mark.parametrize("reason", ["acknowledgement:x", "cooldown"])
def test_what_somebody_knows_of_is_in_no_digest(reason: str) -> None:
    made = world(up("a", T), down("a", T, T + M), immediate=True)
    made.terms.muted["a"] = [reason]
    made.run(T + 5 * M)
    made.terms.muted.clear()
    made.run(T + 3 * EVERY)
    assert shown(made) == []


@pytest.mark.parametrize("moment", ["silenced", "over", "told"])
def test_a_restart_loses_none_and_repeats_none(moment: str) -> None:
    made = world(up("a", T), down("a", T, T + 2 * M), immediate=True)
    made.terms.muted["a"] = ["silence:s"]
    made.run({"silenced": T + M, "over": T + 3 * M, "told": T + 3 * M}[moment])
    if moment == "told":
        made.terms.muted.clear()
        made.run(FIRST + M)
    made.commit()
    made.start()
    made.run(T + 5 * M)
    made.terms.muted.clear()
    made.run(T + 3 * EVERY)
    assert digests(made) == [(FIRST, [("a", "passed")])]


def test_a_digest_under_way_at_a_kill_is_the_same_one_after_it() -> None:
    made = silenced(world(up("a", T), down("a", T, T + 2 * M), immediate=True), T + 3 * M, "a")
    made.commit()
    made.look(FIRST)
    first = [one.record.id for one in made.open]
    made.start()
    assert [one.record.id for one in made.open] == first
    (again,) = made.open
    assert again.notice.alerts[0].held == Held(("silence:s",), T, T + 2 * M)


def test_an_alert_that_fires_meanwhile_does_not_wait_for_the_digest_and_still_ends_once() -> None:
    events = [up("a", T), down("a", T, T + M), up("a", T + 3 * M), down("a", T + 3 * M, T + 4 * M)]
    made = silenced(world(*events, immediate=True), T + 2 * M, "a")
    made.run(T + 3 * EVERY)
    assert [(at, occasion, alerts) for at, occasion, alerts in made.told() if occasion == "change"] == [
        (T + 3 * M, "change", [("a", "firing")]),
        (T + 4 * M, "change", [("a", "resolved")]),
    ]
    assert digests(made) == [(FIRST, [("a", "passed")])]


def test_once_a_day_at_that_time_there() -> None:
    made = world(up("a", T), down("a", T, T + M), immediate=True)
    made.terms.suppressed_digest = SuppressedDigest("daily", minute=8 * 60, zone=ZoneInfo("Asia/Jakarta"))
    made.start()
    silenced(made, T + 2 * M, "a").run(T + 48 * H)
    # T is 05:15 there.
    assert digests(made) == [(T + (2 * 60 + 45) * M, [("a", "passed")])]


def test_nobody_is_told_where_digests_are_off() -> None:
    made = world(up("a", T), down("a", T, T + M), immediate=True)
    made.terms.suppressed_digest = SuppressedDigest("off")
    made.start()
    silenced(made, T + 2 * M, "a").run(T + 48 * H)
    assert shown(made) == []
    assert [entry.untold for entry in made.ledger if entry.untold] == [["ops/webhook/0"]]


def test_it_waits_while_something_would_hold_it_back() -> None:
    made = world(up("a", T), down("a", T, T + M), immediate=True)
    made.terms.muted["a"] = ["silence:s"]
    made.run(T + 3 * EVERY)
    assert shown(made) == []
    made.terms.muted.clear()
    made.run(T + 4 * EVERY)
    assert digests(made) == [(FIRST + 3 * EVERY, [("a", "passed")])]


def test_only_who_had_rest_reads_of_what_the_others_know() -> None:
    people = [Destination("ops", "whatsapp", person=one) for one in ("ani", "budi")]
    made = world(up("a", T), down("a", T, T + M), immediate=True)
    made.terms.ways["ops"] = people
    made.terms.quiet[people[0].name] = T + EVERY + M
    made.run(T + 3 * EVERY)
    assert [one[1] for one in shown(made, people[1].name)] == ["change", "change"]
    assert made.told(people[0].name) == [(FIRST + EVERY, "digest", [("a", "passed")])]
    (muted,) = [entry for entry in made.ledger if entry.untold]
    assert (muted.muted_by, muted.destination) == (["quiet-hours"], people[0].name)


def test_only_the_route_that_was_off_tells_afterwards() -> None:
    draft = RouteDraft(
        receiver="ops",
        immediate=True,
        routes=(RouteDraft(receiver="ops", continue_=True), RouteDraft(receiver="boss", matchers=ALERT_A)),
    )
    made = world(up("a", T), down("a", T, T + M))
    made.terms.root = build(draft)
    made.start()
    made.terms.off_routes[made.terms.root.routes[1].key] = "weekend"
    made.run(T + 2 * M)
    made.terms.off_routes.clear()
    made.run(T + 3 * EVERY)
    assert digests(made, "boss/webhook/0") == [(FIRST, [("a", "passed")])]
    assert digests(made, "ops/webhook/0") == []


def test_what_a_destination_can_not_be_told_any_more_is_counted() -> None:
    made = silenced(world(up("a", T), down("a", T, T + M), immediate=True), T + 2 * M, "a")
    made.terms.ways["ops"] = []
    made.run(T + 3 * EVERY)
    assert (shown(made), made.engine.undigested_dropped) == ([], 1)


def test_of_too_many_the_oldest_are_let_go_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressions, "MOST_UNDIGESTED", 2)
    times = {rule: T + number * S for number, rule in enumerate("abc")}
    events = [one for rule, at in times.items() for one in (up(rule, at), down(rule, at, at + M))]
    made = silenced(world(*events, immediate=True), T + 3 * M, *"abc")
    made.run(T + 3 * EVERY)
    assert digests(made) == [(FIRST, [("b", "passed"), ("c", "passed")])]
    assert made.engine.undigested_dropped == 1


def test_the_ledger_says_from_when_to_when_it_was_held_back_by_what_and_nothing_twice() -> None:
    made = world(up("a", T), down("a", T, T + 10 * M), immediate=True, group_interval_ms=M)
    made.terms.muted["a"] = ["silence:s"]
    made.run(T + 2 * M)
    made.terms.muted["a"] = ["inhibited:b"]
    made.run(T + 4 * M)
    made.terms.muted.clear()
    made.commit()
    made.start()
    made.run(T + 20 * M)
    spans = {}
    for entry in made.ledger:
        if entry.muted_by:
            alert = entry.alerts[0]
            spans[entry.id] = (entry.muted_by, (alert.muted_since or 0) - T, (alert.muted_until or 0) - T)
    assert list(spans.values()) == [(["silence:s"], 0, 3 * M), (["inhibited:b"], 3 * M, 4 * M)]
    assert len([entry for entry in made.ledger if entry.muted_by]) == 4


def test_it_waits_while_the_route_tells_nothing() -> None:
    made = world(up("a", T), down("a", T, T + M), immediate=True)
    made.terms.off_routes[made.terms.root.key] = "weekend"
    made.run(FIRST + M)
    assert shown(made) == []
    made.terms.off_routes.clear()
    made.run(T + 3 * EVERY)
    assert digests(made) == [(FIRST + EVERY, [("a", "passed")])]


def test_what_had_passed_while_its_receiver_was_slow_is_held_back_by_a_silence_too() -> None:
    times = [(T, T + M), (T + 2 * M, T + 3 * M)]
    made = world(*(one for begun, over in times for one in (up("a", begun), down("a", begun, over))), immediate=True)
    (slow,) = made.look(T)
    made.look(T + 4 * M)
    made.terms.muted["a"] = ["silence:s"]
    made.answer(slow)
    made.run(T + 6 * M)
    assert [one[2] for one in shown(made)] == [[("a", "firing")], [("a", "resolved")]]
    made.terms.muted.clear()
    made.run(T + 3 * EVERY)
    assert digests(made) == [(FIRST, [("a", "passed")])]


def test_what_a_digest_tells_says_nothing_of_what_else_is_known() -> None:
    made = silenced(world(up("a", T), down("a", T, T + M), immediate=True), T + 2 * M, "a")
    made.run(FIRST)
    ((_, digest),) = made.arrived
    assert told_by(digest.record, announced=True) == {}


def test_the_entries_may_come_in_any_order() -> None:
    made = silenced(world(up("a", T), down("a", T, T + M), immediate=True), T + 2 * M, "a")
    made.run(FIRST)
    for entries in (made.ledger, list(reversed(made.ledger))):
        fold = Suppressions()
        for entry in entries:
            fold.note(entry)
        assert (fold.undigested, fold.holding()) == ({}, [])


def test_what_was_decided_later_is_not_decided_again() -> None:
    made = world(up("a", T), immediate=True)
    made.terms.muted["a"] = ["silence:s"]
    made.run(T + M)
    made.terms.muted["a"] = ["inhibited:b"]
    made.run(T + 10 * M)
    before = len(made.ledger)
    made.terms.muted["a"] = ["silence:s"]
    made.committed = (0, 1, 0)  # as if it had been stored at the very beginning: all looks are looked again
    made.start()
    written = [entry for entry in made.ledger[before:] if entry.at < made.now_ms]
    assert written == []


def test_what_is_over_without_our_having_seen_it_is_not_held_back_for_ever() -> None:
    made = world(up("a", T), immediate=True)
    silenced(made, T + M, "a")
    made.log.append((T + 2 * M, down("a", T, T + 2 * M)))
    made.committed = (2, T + 2 * M, 2)  # another has read the end, and died before it could write what followed
    made.now_ms = T + 5 * M
    made.start()
    fold = Suppressions()
    for entry in made.ledger:
        fold.note(entry)
    assert fold.holding() == []
