"""The fold: the same log gives the same events, from wherever it is taken up, and ids are never used twice."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerting.core import snapshots
from services.alerting.core.fold import Fold, Work, drain, fold_one
from services.alerting.core.inputs import Marker, Progress, RuleChange, Samples, Several, decode, dump
from services.alerting.core.outputs import Outputs
from services.alerting.core.routing import Routes
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.samples import PackedBatch, Sample, SampleBatch
from shared.promql.matching import Matcher, Selector
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Log, Simulation, fold_again
from tests.cases.timeline import START_MS
from tests.unit.alerting.strategies import logs, play

TERMS = Terms()
Chunks = dict[str, bytes]


def told(fold: Fold, log: Log) -> list[bytes]:
    return [
        event.encode() for message, at in log for outputs in fold_one(fold, message, at) for event in outputs.events
    ]


def through_bytes(fold: Fold, before: snapshots.Manifest | None, kept: Chunks, name: str) -> snapshots.Manifest:
    """The snapshot of a fold, its chunks added to those that are kept."""
    taken = snapshots.take(fold, 0, before, name, kept.get)
    kept |= taken.chunks
    return snapshots.decode_manifest(snapshots.encode_manifest(taken.manifest))


def per_alert(events: list[bytes]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for event in events:
        found.setdefault(AlertEvent.decode(event).alert_id, []).append(event)
    return found


@settings(max_examples=20, deadline=None)
@given(logs(), st.lists(st.integers(0, 200), max_size=4))
def test_taken_up_from_any_snapshot_it_tells_the_same(log: Log, cuts: list[int]) -> None:
    whole = told(Fold(TERMS), log)
    fold, pieces, at = Fold(TERMS), list[bytes](), 0
    kept: Chunks = {}
    manifest: snapshots.Manifest | None = None
    for cut in [*sorted({min(cut, len(log)) for cut in cuts}), len(log)]:
        pieces += told(fold, log[at:cut])
        manifest, at = through_bytes(fold, manifest, kept, str(cut)), cut
        fold = snapshots.restore(TERMS, manifest, {key: kept[key] for key in manifest.keys})
    assert pieces == whole


@settings(max_examples=20, deadline=None)
@given(logs(), st.randoms(use_true_random=False))
def test_it_does_not_matter_when_due_instants_are_evaluated(log: Log, chance: random.Random) -> None:
    """Late, in any order of the groups, after a snapshot: each alert's events are the same."""
    fold, events = Fold(TERMS), list[bytes]()
    kept: Chunks = {}
    manifest: snapshots.Manifest | None = None

    def note(outputs: Outputs) -> None:
        events.extend(event.encode() for event in outputs.events)

    def evaluate(work: Work) -> None:
        note(fold.finish(work, work.evaluate()))

    for number, (message, at) in enumerate(log):
        while names := fold.awaited(message):
            evaluate(fold.work_of(chance.choice(names)))
        for outputs in fold.apply(message, at):
            note(outputs)
        while chance.random() < 0.3 and (works := list(fold.due())):
            evaluate(chance.choice(works))
        if chance.random() < 0.05:
            manifest = through_bytes(fold, manifest, kept, str(number))
            fold = snapshots.restore(TERMS, manifest, kept)
    for outputs in drain(fold):
        note(outputs)
    assert per_alert(events) == per_alert(told(Fold(TERMS), log))


@settings(max_examples=20, deadline=None)
@given(logs())
def test_messages_survive_the_bus(log: Log) -> None:
    back = [(one, at) for message, at in log for one in decode(dump(message))]
    assert told(Fold(TERMS), back) == told(Fold(TERMS), log)


@settings(max_examples=20, deadline=None)
@given(logs())
def test_samples_of_several_batches_in_one_message_are_those_of_each(log: Log) -> None:
    batches = [message for message, _ in log if isinstance(message, Samples)]
    assert [dump(one) for one in decode(dump(Several(batches)))] == [dump(one) for one in batches]


@settings(max_examples=20, deadline=None)
@given(logs())
def test_each_event_has_an_id_of_its_own_and_episodes_are_whole(log: Log) -> None:
    events = fold_again(log)
    assert len({event.id for event in events}) == len(events)
    state: dict[str, AlertEvent] = {}
    for event in events:
        before = state.get(event.alert_id)
        active = before is not None and before.state in ("pending", "firing")
        assert event.previous_state == (before.state if before is not None and active else "inactive")
        assert event.transition == (before.transition + 1 if before is not None and active else 1)
        if before is not None:
            assert event.instant > before.instant
            assert (event.episode == before.episode) == active
        state[event.alert_id] = event


@settings(max_examples=20, deadline=None)
@given(logs())
def test_messages_told_twice_change_nothing(log: Log) -> None:
    doubled = [copy for message in log for copy in (message, message)]
    assert told(Fold(TERMS), doubled) == told(Fold(TERMS), log)


def test_random_logs_do_exercise_the_states() -> None:
    events = [event for seed in range(20) for event in play(seed, 100).events]
    assert {event.state for event in events} == {"pending", "firing", "resolved", "inactive"}
    assert any(event.evidence.late_samples for event in events)
    assert any("is at" in event.annotations.get("summary", "") for event in events)


def rules(text: str, terms: Terms = TERMS) -> Simulation:
    """A simulation with the rules of a group `g`, and what else belongs to the group."""
    simulation = Simulation(terms, START_MS, partitions=2)
    simulation.define(parse_rule_file(f"groups: [{{name: g, {text}}}]", "test"))
    return simulation


def instants(simulation: Simulation) -> list[tuple[int, str]]:
    return [(event.instant - START_MS, event.state) for event in simulation.events]


def test_a_rule_that_comes_after_the_sample_fires_once_its_windows_are_filled() -> None:
    simulation = Simulation(TERMS, START_MS)
    simulation.send("push/1", [Sample("m", START_MS, 5)])
    simulation.now_ms += 1_000
    simulation.revision = 7
    simulation.define(parse_rule_file("groups: [{name: g, immediate: true, rules: [{alert: r, expr: m > 1}]}]", "test"))
    simulation.put(Marker(1, [Progress(0, START_MS, 7)]))
    assert not simulation.events
    simulation.put(Marker(1, [Progress(0, START_MS, 8)]))
    assert instants(simulation) == [(1_000, "firing")]


def test_what_arrives_while_windows_are_filled_is_looked_at_afterwards() -> None:
    simulation = rules("immediate: true, rules: [{alert: r, expr: m > 100}]")
    for at, value in ((1_000, 123), (2_000, 50), (3_000, 124)):
        simulation.now_ms = START_MS + at
        simulation.send("push/1", [Sample("m", simulation.now_ms, value)])
    assert not simulation.events
    simulation.mark()
    assert instants(simulation) == [(1_000, "firing"), (2_000, "resolved"), (3_000, "firing")]


def test_a_router_that_is_behind_does_not_bring_back_a_group_that_was_deleted() -> None:
    simulation = rules("rules: [{alert: r, expr: m > 1}]")
    (old, _) = simulation.log[0]
    simulation.put_group(None, "g")
    for _ in range(2):
        simulation.put(old)
        assert not simulation.fold.groups
        simulation.restart()


def test_an_event_stays_small_whatever_it_holds() -> None:
    texts = ", ".join(f"a{number}: {'x' * 4_000}" for number in range(20))
    simulation = rules(f"immediate: true, rules: [{{alert: r, expr: m > 1, annotations: {{{texts}}}}}]")
    simulation.mark()
    for at in [*range(1, 200), 300]:
        simulation.now_ms = START_MS + at
        simulation.send("push/1", [Sample("m", simulation.now_ms, 5 if at == 300 else 0)])
    (event,) = simulation.events
    assert len(event.encode()) <= 64 * 1024
    assert event.evidence.series[0].total_samples == 200


def test_time_is_that_of_the_partition_that_is_furthest_behind() -> None:
    simulation = rules("rules: [{alert: r, expr: m > 1}]")
    simulation.sign("collector/a", START_MS)
    simulation.mark()
    simulation.now_ms = START_MS + 1
    simulation.send("push/1", [Sample("m", simulation.now_ms, 5)])
    simulation.hold(1)
    simulation.mark(START_MS + 60_000)
    assert not simulation.events
    simulation.release(1)
    for watermark in (8_000, 15_000 + TERMS.settle_ms - 1):
        simulation.mark(START_MS + watermark)
        assert not simulation.events
    simulation.mark(START_MS + 15_000 + TERMS.settle_ms)
    assert instants(simulation) == [(15_000, "firing")]


def test_a_grid_instant_passes_by_a_series_that_was_already_evaluated_later() -> None:
    simulation = rules("immediate: true, rules: [{alert: r, expr: m > 1}]")
    simulation.mark()
    simulation.now_ms = START_MS + 14_000
    simulation.send("push/1", [Sample("m", START_MS + 17_000, 5)])
    simulation.send("push/1", [Sample("m", START_MS + 14_500, 0)])
    simulation.now_ms = START_MS + 16_000
    simulation.mark()
    simulation.restart()
    simulation.mark()
    assert instants(simulation) == [(17_000, "firing")]


@pytest.mark.parametrize("gone", ["rule", "group"])
def test_an_alert_whose_rule_went_and_came_back_begins_after_its_end(gone: str) -> None:
    text = "immediate: true, rules: [{alert: r, expr: m > 1}]"
    drafts = parse_rule_file(f"groups: [{{name: g, {text}}}]", "test")
    simulation = rules(text)
    simulation.mark()
    simulation.now_ms = START_MS + 500
    ahead = START_MS + 2_000  # of a source whose clock is a little ahead
    simulation.send("push/1", [Sample("m", ahead, 5)])
    simulation.now_ms = START_MS + 600
    empty = parse_rule_file("groups: [{name: g, immediate: true, rules: [{alert: other, expr: n > 1}]}]", "test")
    simulation.define(empty if gone == "rule" else [])
    assert instants(simulation) == [(2_000, "firing"), (2_001, "resolved")]
    simulation.restart()
    simulation.now_ms = START_MS + 700
    simulation.define(drafts)
    simulation.mark()
    for at in (900, 2_500):
        simulation.now_ms = START_MS + at
        simulation.send("push/1", [Sample("m", simulation.now_ms, 5)])
    (begun,) = instants(simulation)[2:]
    assert begun[1] == "firing"
    assert begun[0] > 2_001


def test_the_groups_that_a_message_waits_for() -> None:
    simulation = Simulation(TERMS, START_MS, partitions=1)
    text = """
groups:
- {name: grid, rules: [{alert: r, expr: m > 1}]}
- {name: offset, query_offset: 10s, rules: [{alert: r, expr: m > 1}]}
- {name: immediate, immediate: true, rules: [{alert: r, expr: m > 1}]}
- {name: other, rules: [{alert: r, expr: n > 1}]}
"""
    simulation.define(parse_rule_file(text, "test"))
    simulation.mark()
    fold, now = simulation.fold, START_MS + 16_000
    assert not list(fold.apply(Marker(1, [Progress(0, now, simulation.revision)]), now))
    assert sorted(fold.due_groups) == ["grid", "immediate", "offset", "other"]

    def samples(at: int) -> Samples:
        routes = Routes(1)
        routes.put("grid", {Selector((Matcher("__name__", "=", "m"),)): 1})
        batch = SampleBatch.of("push/1", [Sample("m", START_MS + at, 5)])
        ((_, found),) = routes.split(PackedBatch.decode(batch.encode()), 0, 1, now)
        return found

    assert sorted(fold.awaited(samples(15_001))) == ["immediate"]
    assert sorted(fold.awaited(samples(15_000))) == ["grid", "immediate"]
    assert sorted(fold.awaited(samples(5_000))) == ["grid", "immediate", "offset"]
    assert sorted(fold.awaited(RuleChange("unknown", 9, now))) == ["grid", "immediate", "offset", "other"]
    assert fold.awaited(Marker(1, [])) == []
    assert len(list(drain(fold))) == 4
    assert fold.awaited(samples(0)) == []


def test_samples_of_a_partition_that_is_behind_are_not_late_for_another() -> None:
    simulation = rules("rules: [{alert: r, expr: m > 1}]")
    simulation.hold(1)
    for minute in range(5):
        simulation.now_ms = START_MS + minute * 60_000
        for partition, series in enumerate(("m", "n")):
            simulation.accept(SampleBatch.of("collector/a", [Sample(series, simulation.now_ms, 5)]), partition)
            simulation.accept(SampleBatch.of("collector/a", [Sample("m", simulation.now_ms, 5)]), partition)
    simulation.release(1)
    assert not +simulation.refused


HOURS = 4


def without_history(most_waiting_samples: int) -> Simulation:
    """Fires for hours; for two of them history does not answer the group, whose windows reach back beyond the bus."""
    terms = Terms(most_waiting_samples=most_waiting_samples)
    simulation = rules("rules: [{alert: r, expr: m > 1, for: 10m}]", terms)
    for second in range(0, HOURS * 3_600, 15):
        simulation.now_ms = START_MS + second * 1_000
        if second == 900:
            simulation.from_history.add("g")
            text = "groups: [{name: g, rules: [{alert: r, expr: m > 1, for: 10m, message: other}]}]"
            simulation.define(parse_rule_file(text, "test"))
        if second == 3 * 3_600:
            simulation.fill_from_history("g")
        simulation.send("collector/a", [Sample("m", simulation.now_ms, 5)])
        simulation.mark()
    return simulation


@pytest.mark.parametrize(("most", "least_passed", "most_passed"), [(0, 400, 480), (300, 340, 400), (1_000, 0, 0)])
def test_instants_pass_by_only_where_too_many_samples_wait_for_them(
    most: int, least_passed: int, most_passed: int
) -> None:
    """What fired before is not over because of that."""
    simulation = without_history(most)
    assert instants(simulation) == [(0, "pending"), (600_000, "firing")]
    assert least_passed <= simulation.passed_over <= most_passed
    assert simulation.fold.groups["g"].unknown_instants == simulation.passed_over


def test_what_passes_by_does_so_after_what_was_due_before() -> None:
    """A group hears of the one that it reads three times in four hours, and what it waits for in vain passes by: its
    timers stand still for that time, whenever the rest is evaluated."""
    minute, told_of = 60_000, {30: 30, 120: 90, 210: 195}
    simulation = Simulation(Terms(most_waiting_samples=0), START_MS)
    text = """
groups:
- {name: first, rules: [{record: n, expr: m}]}
- {name: second, rules: [{alert: r, expr: m > 1 or n > 1, for: 40m}]}
"""
    simulation.define(parse_rule_file(text, "test"))
    for second in range(0, 4 * 3_600, 15):
        simulation.now_ms = START_MS + second * 1_000
        simulation.send("collector/a", [Sample("m", simulation.now_ms, 5)])
        simulation.mark(behind=True)
        if second % 60 == 0 and second // 60 in told_of:
            simulation.put(Marker(1, [], {"first": START_MS + told_of[second // 60] * minute}))
    assert simulation.passed_over == 30 * 4 + 60 * 4
    assert instants(simulation) == [(0, "pending"), (70 * minute, "firing")]
    fold, events = Fold(simulation.terms), list[AlertEvent]()
    for message, at in simulation.log:
        events += [event for outputs in fold.apply(message, at) for event in outputs.events]
    events += [event for outputs in drain(fold) for event in outputs.events]
    assert [event.encode() for event in events] == [event.encode() for event in simulation.events]


def test_a_rule_that_looks_ahead_of_its_offset_sees_the_same_whenever_it_is_evaluated() -> None:
    simulation = rules("query_offset: 30s, rules: [{alert: r, expr: m offset -10s > 1}]")
    for second in range(1, 200):
        simulation.now_ms = START_MS + second * 1_000
        if second % 20 == 4:
            simulation.send("collector/a", [Sample("m", simulation.now_ms, second // 20 % 2 * 5)])
        simulation.mark()
    assert len(simulation.events) > 6
    fold = Fold(TERMS)
    late = [event.encode() for message, at in simulation.log for one in fold.apply(message, at) for event in one.events]
    late += [event.encode() for outputs in drain(fold) for event in outputs.events]
    assert [AlertEvent.decode(one).instant for one in late] == [event.instant for event in simulation.events]
    assert late == [event.encode() for event in simulation.events]
