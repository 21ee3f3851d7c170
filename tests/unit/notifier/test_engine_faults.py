"""What the engine promises, over random alerts, receivers, kills and restarts."""

from collections import defaultdict
from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.notifier.core.merging import Limits
from services.notifier.core.muting import Muting
from services.notifier.core.planned import Planned
from shared.messages.alerts import AlertEvent
from shared.messages.health import HealthResult
from shared.routing.dependencies import Dependencies
from shared.routing.digests import SuppressedDigest
from shared.routing.tree import RouteDraft, build
from tests.unit.notifier.events import alert_event
from tests.unit.notifier.world import FakeTerms, World

T = 1_700_000_000_000
S = 1_000
RULES = "abc"
ROUTES = {
    "each": RouteDraft(receiver="ops", immediate=True),
    "together": RouteDraft(receiver="ops", group_wait_ms=5 * S, group_interval_ms=20 * S),
    "two": RouteDraft(
        receiver="ops",
        routes=(
            RouteDraft(receiver="ops", immediate=True, continue_=True),
            RouteDraft(receiver="boss", group_wait_ms=0, group_interval_ms=10 * S),
        ),
    ),
}
DEPENDENCIES = Dependencies(wait_ms=10 * S, grace_ms=5 * S, check_labels={"type": ""})
DIGEST = SuppressedDigest(every_ms=60 * S)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.sampled_from(RULES)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("answer"), st.sampled_from(["sent", "sent", "sent", "failed"])),
        st.tuples(st.just("kill"), st.sampled_from(["before", "after"])),
        st.tuples(st.just("commit"), st.just("")),
        st.tuples(st.just("torn"), st.sampled_from(RULES)),
        st.tuples(st.just("late"), st.sampled_from(RULES)),
        st.tuples(st.just("outage"), st.integers(1, 300)),
        st.tuples(st.just("parent"), st.sampled_from(["healthy", "suspected", "unhealthy"])),
        st.tuples(st.just("silence"), st.sampled_from(RULES)),
    ),
    max_size=60,
)


@dataclass
class Alerts:
    """What the rules say: each alert goes up and down in turn."""

    world: World
    episodes: dict[str, list[tuple[int, int | None]]]

    def flip(self, rule: str) -> None:
        now_ms, known = self.world.now_ms, self.episodes[rule]
        if known and known[-1][1] is None:
            begun = known[-1][0]
            known[-1] = (begun, now_ms)
            self.publish(alert_event(rule, 2, "resolved", now_ms, begun))
        elif not known or now_ms > known[-1][0]:
            known.append((now_ms, None))
            self.publish(alert_event(rule, 1, "firing", now_ms, now_ms))

    def publish(self, event: AlertEvent) -> None:
        self.world.publish(event, self.world.now_ms)


def played(route: str, steps: list[tuple[str, object]], limits: Limits | None = None) -> tuple[World, Alerts]:
    """The world after the steps; at the end all is over and everything has arrived."""
    terms = FakeTerms(build(ROUTES[route]), muting=Muting((), dependencies=DEPENDENCIES), suppressed_digest=DIGEST)
    world = World(terms, limits=limits or Limits())
    world.now_ms = T
    put_check(world, "business", "healthy", "core")
    alerts = Alerts(world, defaultdict(list))
    for step, argument in steps:
        _play(world, alerts, step, str(argument))
    put_check(world, "core", "healthy")
    world.terms.muted.clear()
    for rule in RULES:
        if alerts.episodes[rule] and alerts.episodes[rule][-1][1] is None:
            world.now_ms += S
            alerts.flip(rule)
    world.run(world.now_ms + 600 * S)
    return world, alerts


def _play(world: World, alerts: Alerts, step: str, argument: str) -> None:
    if step in ("parent", "silence"):
        _mute(world, step, argument)
    elif step in ("torn", "late"):
        _end_badly(world, alerts, step, argument)
    else:
        _live(world, alerts, step, argument)


def _live(world: World, alerts: Alerts, step: str, argument: str) -> None:
    match step:
        case "flip":
            alerts.flip(argument)
            world.look()
        case "wait":
            world.look(world.now_ms + int(argument) * S)
        case "answer" if world.open:
            world.answer(world.open[0], argument)
            world.look()
        case "kill":
            if argument == "after" and world.open:
                world.answer(world.open[0], recorded=False)
            world.start()
        case "commit":
            world.commit()
        case "outage":
            world.now_ms += int(argument) * S
            world.start()


def _end_badly(world: World, alerts: Alerts, step: str, argument: str) -> None:
    world.now_ms += S
    alerts.flip(argument)
    if step == "torn":
        world.tear()
    else:  # accepted before, read after time has gone on, and killed before it is looked at
        world.now_ms += 1
        world.engine.advance(world.now_ms)
        world.read_log()
        world.commit()
        world.start()


def _mute(world: World, step: str, argument: str) -> None:
    if step == "parent":
        put_check(world, "core", argument)
    elif world.terms.muted.pop(argument, None) is None:
        world.terms.muted[argument] = ["silence:s"]
    world.look()


def put_check(world: World, check: str, state: str, *depends_on: str) -> None:
    """What `core` says, on which the check that every alert here is about depends."""
    result = HealthResult(
        check=check,
        kind="tcp",
        status="unhealthy" if state == "unhealthy" else "healthy",
        found="unhealthy" if state == "suspected" else None,
        response_time_ms=1.0,
        checked_at=world.now_ms,
        valid_until=world.now_ms + 3_600 * S,
        depends_on=list(depends_on),
    )
    world.terms.muting.checks.put(result)


def facts(one: Planned) -> list[tuple[str, int, str]]:
    return [(alert.event.rule, alert.event.episode, alert.status) for alert in one.notice.alerts]


# What was held back and over is in the ledger; whoever folds it again, with the parent well, must not owe it too.
HELD_AND_TORN: list[tuple[str, object]] = [
    ("flip", "a"), ("flip", "a"), ("parent", "healthy"), ("torn", "a"), ("flip", "a"), ("flip", "b"), ("flip", "b"),
    ("parent", "healthy"), ("kill", "before"),
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(route=st.sampled_from(sorted(ROUTES)), steps=STEPS)
@example(route="each", steps=HELD_AND_TORN)
def test_each_destination_hears_each_episode_once_and_in_order(route: str, steps: list[tuple[str, object]]) -> None:
    world, _ = played(route, steps)
    assert not world.open
    for destination in {one.destination.name for _, one in world.arrived}:
        seen: dict[str, list[tuple[int, str]]] = defaultdict(list)
        afterwards: set[tuple[str, int]] = set()  # what was held back is told beside the order of all else
        ids: set[str] = set()
        for _, one in world.arrived:
            if one.destination.name != destination or one.record.id in ids:
                continue  # the same again after a kill, under the same id
            ids.add(one.record.id)
            held = [alert.event for alert in one.notice.alerts if alert.held and alert.status == "passed"]
            afterwards |= {(event.rule, event.episode) for event in held}
            for rule, episode, status in facts(one):
                if (episode, status) not in seen[rule]:
                    seen[rule].append((episode, status))
                else:
                    assert status == "firing", "an end that was told twice"
        for rule, told in seen.items():
            in_order = [episode for episode, _ in told if (rule, episode) not in afterwards]
            assert in_order == sorted(in_order)
            by_episode: dict[int, list[str]] = defaultdict(list)
            for episode, status in told:
                by_episode[episode].append(status)
            for episode, statuses in by_episode.items():
                assert statuses in (["firing", "resolved"], ["passed"]) or has_failed(world, rule, episode), statuses


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_with_immediate_no_episode_is_missing(steps: list[tuple[str, object]]) -> None:
    world, alerts = played("each", steps)
    told = {(rule, episode) for _, one in world.arrived for rule, episode, _ in facts(one)}
    for rule, episodes in alerts.episodes.items():
        for episode, _ in episodes:
            assert (rule, episode) in told or has_failed(world, rule, episode)


@settings(max_examples=100, deadline=None)
@given(route=st.sampled_from(sorted(ROUTES)), steps=STEPS)
def test_whoever_folds_the_same_comes_to_the_same(route: str, steps: list[tuple[str, object]]) -> None:
    world, _ = played(route, steps)
    plans = []
    for _ in range(2):
        world.start()
        plans.append([(one.record.id, one.destination.name, facts(one)) for one in world.open])
    assert plans[0] == plans[1]


def has_failed(world: World, rule: str, episode: int) -> bool:
    """Whether a delivery about the episode has failed for good somewhere: its rest need not be told."""
    alerts = {event.alert_id for _, event in world.log if event.rule == rule}
    return any(
        entry.state == "failed" and any(one.alert_id in alerts and one.episode == episode for one in entry.alerts)
        for entry in world.ledger
    )
