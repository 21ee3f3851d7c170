"""The fold: the same log gives the same events, from wherever it is taken up, and ids are never used twice."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerting.core import snapshots
from services.alerting.core.fold import Fold
from services.alerting.core.inputs import GroupSamples, Input, Marker, Progress, RuleChange, decode, dump
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.rules import AlertingRule, RuleGroup
from tests.cases.timeline import START_MS, fold_all
from tests.unit.alerting.strategies import logs, make_log

TERMS = Terms()


def told(fold: Fold, log: list[Input]) -> list[bytes]:
    return [event.encode() for message in log for outputs in fold.apply(message) for event in outputs.events]


def through_bytes(fold: Fold) -> Fold:
    """The fold as it comes back from a snapshot."""
    taken = snapshots.take(fold, 0, None, "s")
    manifest = snapshots.decode_manifest(snapshots.encode_manifest(taken.manifest))
    return snapshots.restore(TERMS, manifest, taken.chunks)


@settings(max_examples=80, deadline=None)
@given(logs(), st.lists(st.integers(0, 200), max_size=3))
def test_taken_up_from_any_snapshot_it_tells_the_same(log: list[Input], cuts: list[int]) -> None:
    whole = told(Fold(TERMS), log)
    fold, pieces = Fold(TERMS), []
    at = 0
    for cut in [*sorted({min(cut, len(log)) for cut in cuts}), len(log)]:
        pieces += told(fold, log[at:cut])
        fold, at = through_bytes(fold), cut
    assert pieces == whole


@settings(max_examples=40, deadline=None)
@given(logs())
def test_messages_survive_the_bus(log: list[Input]) -> None:
    assert told(Fold(TERMS), [decode(dump(message)) for message in log]) == told(Fold(TERMS), log)


@settings(max_examples=40, deadline=None)
@given(logs())
def test_each_event_has_an_id_of_its_own_and_episodes_are_whole(log: list[Input]) -> None:
    events = fold_all(log, TERMS)
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


@settings(max_examples=60, deadline=None)
@given(logs())
def test_samples_and_markers_told_twice_change_nothing(log: list[Input]) -> None:
    doubled = [copy for message in log for copy in (message, message)]
    assert told(Fold(TERMS), doubled) == told(Fold(TERMS), log)


def test_random_logs_do_exercise_the_states() -> None:
    states = {event.state for seed in range(40) for event in fold_all(make_log(seed, 100), TERMS)}
    assert states == {"pending", "firing", "resolved", "inactive"}


def group(**fields: object) -> RuleGroup:
    base = {"name": "g", "version": 1, "origin": "api", "updated_by": "x", "updated_at": START_MS}
    return RuleGroup.model_validate(base | fields)


def samples(time: int, value: float, accepted: int, fill: bool = False, group: str = "g") -> GroupSamples:
    return GroupSamples(
        group=group,
        series=["m"],
        index=(0).to_bytes(4, "little"),
        times=time.to_bytes(8, "little"),
        values=struct.pack("<d", value),
        partition=0,
        offset=1,
        accepted_ms=accepted,
        fill=fill,
    )


def test_a_rule_that_comes_after_the_sample_fires_once_its_windows_are_filled() -> None:
    rule = group(rules=[AlertingRule(name="r", expr="m > 1")], immediate=True)
    fold = Fold(TERMS)
    change = RuleChange("g", 7, START_MS + 1_000, rule.encode())
    log: list[Input] = [change, samples(START_MS, 5, START_MS, fill=True)]
    assert told(fold, [*log, Marker(1, [Progress(0, START_MS, 0, 6)])]) == []
    (event,) = told(fold, [Marker(1, [Progress(0, START_MS, 0, 7)])])
    assert AlertEvent.decode(event).instant == START_MS + 1_000


def test_a_router_that_is_behind_does_not_bring_back_a_group_that_was_deleted() -> None:
    rule = group(rules=[AlertingRule(name="r", expr="m > 1")], immediate=True)
    fold = Fold(TERMS)
    told(fold, [RuleChange("g", 1, START_MS, rule.encode()), RuleChange("g", 2, START_MS)])
    fold = through_bytes(fold)
    told(fold, [RuleChange("g", 1, START_MS, rule.encode())])
    assert not fold.groups


def test_an_event_stays_small_whatever_it_holds() -> None:
    texts = {f"a{number}": "x" * 4_000 for number in range(20)}
    rule = group(rules=[AlertingRule(name="r", expr="m > 1", annotations=texts, message="y" * 9_000)], immediate=True)
    log: list[Input] = [RuleChange("g", 1, START_MS, rule.encode())]
    log += [samples(START_MS + at, 0, START_MS + at) for at in range(1, 200)] + [
        samples(START_MS + 300, 5, START_MS + 300)
    ]
    (event,) = told(Fold(TERMS), log)
    assert len(event) <= 64 * 1024
    evidence = AlertEvent.decode(event).evidence
    assert evidence.series[0].total_samples == 200


def test_an_unchanged_group_is_not_written_again() -> None:
    fold = Fold(TERMS)
    for name in "gh":
        rule = group(name=name, rules=[AlertingRule(name="r", expr="m > 1")], immediate=True)
        told(fold, [RuleChange(name, 1, START_MS, rule.encode())])
    first = snapshots.take(fold, 1, None, "first")
    told(fold, [samples(START_MS + 1, 5, START_MS + 1, group="h")])
    second = snapshots.take(fold, 2, first.manifest, "second")
    assert second.manifest.groups["g"] == first.manifest.groups["g"]
    assert second.manifest.groups["h"] != first.manifest.groups["h"]
    restored = snapshots.restore(TERMS, second.manifest, first.chunks | second.chunks)
    assert [len(one.windows) for one in restored.groups.values()] == [0, 1]


def marker(watermark: int, revision: int = 99, sign: int = START_MS) -> Marker:
    return Marker(1, [Progress(0, watermark, sign, revision)])


def instants(events: list[bytes]) -> list[tuple[int, str]]:
    return [(event.instant - START_MS, event.state) for event in map(AlertEvent.decode, events)]


def test_time_is_that_of_the_partition_that_is_furthest_behind() -> None:
    rule = group(rules=[AlertingRule(name="r", expr="m > 1")])
    fold = Fold(TERMS)
    told(fold, [RuleChange("g", 1, START_MS, rule.encode()), samples(START_MS + 1, 5, START_MS + 1)])
    assert told(fold, [Marker(2, [Progress(0, START_MS + 60_000, START_MS, 1)])]) == [], "one has not spoken yet"
    assert told(fold, [Marker(2, [Progress(1, START_MS + 14_999, START_MS, 1)])]) == []
    assert instants(told(fold, [Marker(2, [Progress(1, START_MS + 15_000, START_MS, 1)])])) == [(15_000, "firing")]


def test_a_grid_instant_passes_by_a_series_that_was_already_evaluated_later() -> None:
    rule = group(rules=[AlertingRule(name="r", expr="m > 1")], immediate=True)
    fold = Fold(TERMS)
    log: list[Input] = [
        RuleChange("g", 1, START_MS, rule.encode()),
        marker(START_MS + 1),
        samples(START_MS + 10_000, 5, START_MS + 10_000, fill=True),
        samples(START_MS + 17_000, 0, START_MS + 16_000),
    ]
    assert told(fold, log) == []
    assert told(through_bytes(fold), [marker(START_MS + 15_500)]) == []


def test_an_alert_whose_rule_went_and_came_back_begins_after_its_end() -> None:
    rule = group(rules=[AlertingRule(name="r", expr="m > 1")], immediate=True)
    empty = group(rules=[], immediate=True)
    for gone in (empty.encode(), None):
        fold = Fold(TERMS)
        ahead = START_MS + 2_000  # a sample of a source whose clock is a little ahead
        log: list[Input] = [RuleChange("g", 1, START_MS, rule.encode()), samples(ahead, 5, START_MS + 500)]
        log += [RuleChange("g", 2, START_MS + 600, gone)]
        assert instants(told(fold, log)) == [(2_000, "firing"), (2_001, "resolved")]
        fold = through_bytes(fold)
        back: list[Input] = [
            RuleChange("g", 3, START_MS + 700, rule.encode()),
            samples(ahead, 5, START_MS + 500, fill=True),
            marker(START_MS + 800),
            samples(START_MS + 900, 5, START_MS + 900),
            samples(START_MS + 2_500, 5, START_MS + 2_500),
        ]
        begun = instants(told(fold, back))
        assert [state for _, state in begun] == ["firing"]
        assert begun[0][0] > 2_001
