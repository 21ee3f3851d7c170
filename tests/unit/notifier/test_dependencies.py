"""What lies behind something that is down is held back, and what may be, until that is known."""

import pytest

from services.notifier.core.muting import Muting
from shared.messages.alerts import AlertEvent, State
from shared.messages.health import HealthResult, Status
from shared.routing.alert_parents import AlertParents
from shared.routing.check_parents import CheckParents
from shared.routing.dependencies import Dependencies, DependencyRule
from shared.routing.matcher_text import parse_matchers
from shared.routing.receivers import Fallback
from shared.routing.tree import Escalation, RouteDraft, build
from tests.unit.notifier.events import alert_event
from tests.unit.notifier.test_engine import M, S, T, shown
from tests.unit.notifier.world import FakeTerms, World

RULE = DependencyRule(
    tuple(parse_matchers('alertname="router_down"')), tuple(parse_matchers('router!=""')), equal=("router",)
)
DEPENDENCIES = Dependencies(wait_ms=M, grace_ms=M, rules=(RULE,))
PARENTS = {"http:portal": ["mikrotik:edge"], "mikrotik:edge": ["mikrotik:core"], "mikrotik:core": []}


def result(
    check: str, at_ms: int, status: Status = "healthy", found: Status | None = None, valid_ms: int = 10 * M
) -> HealthResult:
    return HealthResult(
        check=check,
        kind=check.partition(":")[0],
        status=status,
        found=found,
        response_time_ms=1.0,
        checked_at=at_ms,
        valid_until=at_ms + valid_ms,
        depends_on=PARENTS[check],
    )


def seen(*results: HealthResult) -> CheckParents:
    made = CheckParents(DEPENDENCIES)
    for one in results:
        made.put(one)
    return made


PORTAL = result("http:portal", T, "unhealthy")


@pytest.mark.parametrize(
    ("results", "at_ms", "expected"),
    [
        ([result("mikrotik:edge", T, "unhealthy")], T, "dependency:mikrotik:edge"),
        ([result("mikrotik:edge", T, "degraded")], T, None),
        # What is further away counts too, also where what is between is not known to be down.
        ([result("mikrotik:edge", T), result("mikrotik:core", T, "unhealthy")], T, "dependency:mikrotik:core"),
        ([result("mikrotik:edge", T), result("mikrotik:core", T)], T, None),
        # A result that has run out says nothing.
        ([result("mikrotik:edge", T, "unhealthy", valid_ms=M)], T + M, "dependency:mikrotik:edge"),
        ([result("mikrotik:edge", T, "unhealthy", valid_ms=M)], T + M + 1, None),
        # A bad finding that no other has confirmed, and one that is older than the trouble, for at most a minute.
        ([result("mikrotik:edge", T, found="unhealthy")], T, "suspected:mikrotik:edge"),
        ([result("mikrotik:edge", T, found="degraded")], T, None),
        ([result("mikrotik:edge", T - 1)], T, "suspected:mikrotik:edge"),
        ([result("mikrotik:edge", T - 1)], T + M - 1, "suspected:mikrotik:edge"),
        ([result("mikrotik:edge", T - 1)], T + M, None),
        ([result("mikrotik:edge", T - 1, valid_ms=S)], T + 2 * S, None),
        # What is known to be down goes before what may be.
        (
            [result("mikrotik:edge", T - 1), result("mikrotik:core", T, "unhealthy")],
            T,
            "dependency:mikrotik:core",
        ),
        # A minute of grace.
        (
            [result("mikrotik:edge", T - 5 * M, "unhealthy"), result("mikrotik:edge", T)],
            T + M - 1,
            "dependency:mikrotik:edge",
        ),
        ([result("mikrotik:edge", T - 5 * M, "unhealthy"), result("mikrotik:edge", T)], T + M, None),
        # A late result changes nothing.
        ([result("mikrotik:edge", T), result("mikrotik:edge", T - S, "unhealthy")], T, None),
    ],
)
def test_what_its_parents_are_says_whether_an_alert_is_held_back(
    results: list[HealthResult], at_ms: int, expected: str | None
) -> None:
    assert seen(PORTAL, *results).of({"service": "http:portal"}, T, T, at_ms) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"router": "edge"}, "dependency:mikrotik:core"),
        ({"router": "core"}, None),
        ({"service": "mikrotik:edge"}, "dependency:mikrotik:core"),
        ({"service": "pppoe", "router": "edge"}, "dependency:mikrotik:core"),
        ({"router": "unknown"}, None),
        ({}, None),
    ],
)
def test_labels_say_which_check_an_alert_is_about(labels: dict[str, str], expected: str | None) -> None:
    checks = seen(result("mikrotik:edge", T, "unhealthy"), result("mikrotik:core", T, "unhealthy"))
    assert checks.of(labels, T, T, T) == expected


def event(rule: str, transition: int, state: State, at_ms: int, episode: int, router: str = "a") -> AlertEvent:
    labels = {"alertname": rule, "router": router}
    alert = f"{rule}-{router}"
    return alert_event(rule, transition, state, at_ms, episode, labels=labels, alert_id=alert, id=f"{alert}-{at_ms}")


def world(*events: AlertEvent, **route: object) -> World:
    """Events are accepted at their instants."""
    draft = RouteDraft(receiver="ops", **route)  # type: ignore[arg-type]
    terms = FakeTerms(root=build(draft), muting=Muting((), dependencies=DEPENDENCIES))
    made = World(terms)
    for one in sorted(events, key=lambda one: one.instant):
        made.publish(one, one.instant)
    return made


def reasons(made: World) -> set[tuple[str, str, int, int | None]]:
    """Which alert was held back by what, from when to when, in seconds since T."""
    found = {}
    for entry in made.ledger:
        if entry.muted_by and (one := entry.alerts[0]).muted_since is not None:
            until = None if one.muted_until is None else (one.muted_until - T) // S
            found[one.alert_id, entry.muted_by[0], (one.muted_since - T) // S] = until
    return {(*key, until) for key, until in found.items()}


def test_a_child_waits_until_its_parent_is_confirmed_down_and_is_told_once_it_is_back_and_the_child_is_not() -> None:
    made = world(
        event("router_down", 1, "pending", T, T),
        event("slow", 1, "firing", T + 10 * S, T + 10 * S),
        event("cured", 1, "firing", T + 10 * S, T + 10 * S),
        event("elsewhere", 1, "firing", T + 10 * S, T + 10 * S, router="b"),
        event("router_down", 2, "firing", T + 40 * S, T),
        event("router_down", 3, "resolved", T + 600 * S, T),
        event("cured", 2, "resolved", T + 630 * S, T + 10 * S),
        immediate=True,
    )
    made.run(T + 20 * M)
    assert [one for one in shown(made) if one[1] == "change"] == [
        (10, "change", [("elsewhere", "firing")]),
        (40, "change", [("router_down", "firing")]),
        (600, "change", [("router_down", "resolved")]),
        (660, "change", [("slow", "firing")]),
    ]
    held = {(alert, "suspected:router_down-a", 10, 40) for alert in ("slow-a", "cured-a")}
    assert reasons(made) == held | {
        ("slow-a", "dependency:router_down-a", 40, 660),
        ("cured-a", "dependency:router_down-a", 40, 630),
    }


@pytest.mark.parametrize(("state", "told_at"), [("inactive", 30), (None, 70)])
def test_what_was_held_for_a_suspicion_is_told_once_that_is_gone_or_after_a_minute(
    state: State | None, told_at: int
) -> None:
    made = world(
        event("router_down", 1, "pending", T, T),
        event("slow", 1, "firing", T + 10 * S, T + 10 * S),
        *([event("router_down", 2, state, T + 30 * S, T)] if state else []),
        immediate=True,
    )
    made.run(T + 5 * M)
    assert shown(made) == [(told_at, "change", [("slow", "firing")])]


def test_what_is_held_is_not_forgotten_over_a_restart() -> None:
    made = world(event("slow", 1, "firing", T, T), immediate=True, group_interval_ms=60 * M)
    made.terms.muting.checks.put(result("mikrotik:core", T, "unhealthy"))
    made.terms.muting.checks.put(result("mikrotik:edge", T, "unhealthy"))
    made.publish(event("far", 1, "firing", T + S, T + S, router="edge"), T + S)
    made.run(T + M)
    made.commit()
    made.start()
    made.run(T + 2 * M)
    assert [alerts for _, _, alerts in shown(made)] == [[("slow", "firing")]]
    made.terms.muting.checks.put(result("mikrotik:core", T + 3 * M))
    made.terms.muting.checks.put(result("mikrotik:edge", T + 3 * M))
    made.run(T + 10 * M)
    assert shown(made)[1:] == [(240, "change", [("far", "firing")])]
    assert reasons(made) == {("far-edge", "dependency:mikrotik:core", 1, 240)}
    (told,) = made.arrived[-1][1].notice.alerts
    assert told.held is not None
    assert told.held.by == ("dependency:mikrotik:core",)


def down_between(made: World, since_ms: int, until_ms: int) -> None:
    """The router that `edge` is behind."""
    made.run(since_ms)
    made.terms.muting.checks.put(result("mikrotik:edge", since_ms))
    made.terms.muting.checks.put(result("mikrotik:core", since_ms, "unhealthy"))
    made.run(until_ms)
    made.terms.muting.checks.put(result("mikrotik:core", until_ms))


def test_nobody_is_called_for_the_time_in_which_nobody_could_have_helped() -> None:
    made = world(
        event("slow", 1, "firing", T, T, router="edge"), immediate=True, escalation=(Escalation(10 * M, "boss"),)
    )
    made.commit()
    down_between(made, T + 5 * M, T + 12 * M)
    made.run(T + 30 * M)
    # Of ten minutes five were left; a minute of grace belongs to what is muted.
    assert [at // 60 for at, _, _ in shown(made, "boss/webhook/0")] == [18]


def test_what_is_behind_something_that_is_down_is_not_repeated_sooner() -> None:
    made = world(
        event("slow", 1, "firing", T, T, router="edge"),
        group_wait_ms=0,
        group_interval_ms=M,
        repeat_interval_ms=10 * M,
    )
    down_between(made, T + 5 * M, T + 9 * M)
    made.run(T + 20 * M)
    assert [(at // 60, occasion) for at, occasion, _ in shown(made)] == [(0, "change"), (16, "repeat")]


def test_a_fallback_does_not_take_over_meanwhile() -> None:
    made = world(event("slow", 1, "firing", T, T, router="edge"), immediate=True)
    made.terms.fallbacks["ops"] = Fallback(5 * M, "telegram")
    made.look(T)
    told: dict[str, int] = {}
    for second in range(20 * 60):
        if second == 60:
            made.terms.muting.checks.put(result("mikrotik:edge", T + M))
            made.terms.muting.checks.put(result("mikrotik:core", T + M, "unhealthy"))
        if second == 8 * 60:
            made.terms.muting.checks.put(result("mikrotik:core", T + 8 * M))
        told |= {one.destination.name: second for one in made.look(T + second * S)}
    # One minute before, and four after it is back and has had its minute of grace.
    assert told == {"telegram/webhook/0": 13 * 60}


@pytest.mark.parametrize("behind", [True, False])
def test_a_cooldown_that_nobody_was_told_of_holds_nothing_back(behind: bool) -> None:
    cooldown = {"cooldown_ms": 30 * M}
    events = [
        event("slow", 1, "firing", T + M, T + M, router="edge"),
        event("slow", 2, "resolved", T + 3 * M, T + M, router="edge"),
        event("slow", 1, "firing", T + 10 * M, T + 10 * M, router="edge"),
    ]
    made = world(*(one.model_copy(update=cooldown) for one in events), immediate=True)
    if behind:
        down_between(made, T, T + 4 * M)
        made.terms.muting.checks.put(result("mikrotik:core", T + 10 * M))
        made.terms.muting.checks.put(result("mikrotik:edge", T + 10 * M))
    made.commit()
    made.start()
    made.run(T + 20 * M)
    told = [at // 60 for at, occasion, _ in shown(made) if occasion == "change"]
    assert told == ([10] if behind else [1, 3])


def test_what_was_just_let_go_at_a_kill_is_told_at_once_by_who_comes_next() -> None:
    slow, other = (event("slow", 1, "firing", T + S, T + S, router=one) for one in ("edge", "elsewhere"))
    at_once = [one.model_copy(update={"immediate": True}) for one in (slow, other)]
    made = world(*at_once, group_interval_ms=60 * M)
    down_between(made, T, T + 3 * M)
    made.now_ms = T + 4 * M  # after the minute of grace
    made.engine.advance(made.now_ms)
    made.engine.plan(made.now_ms)
    made._write(made.engine.records())  # that it is let go is written, and what is told is not
    made.commit()
    made.start()
    made.run(T + 5 * M)
    told = [(at, [one.event.labels["router"] for one in planned.notice.alerts][:1]) for at, planned in made.arrived]
    assert told == [(T + S, ["elsewhere"]), (T + 4 * M, ["edge"])]


def test_a_parents_event_that_comes_twice_or_late_changes_nothing() -> None:
    parents = AlertParents(DEPENDENCIES)
    begun = event("router_down", 1, "firing", T, T)
    parents.take(begun, T)
    parents.take(event("router_down", 2, "resolved", T + M, T), T + M)
    version = parents.version
    parents.take(begun, T + 10 * M)
    assert parents.version == version
    assert parents.of({"router": "a", "alertname": "slow"}, T, T + 10 * M) is None
