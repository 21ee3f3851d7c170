"""The fold: the same log gives the same events, from wherever it is taken up, and ids are never used twice."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerting.core import snapshots
from services.alerting.core.fold import Fold, Work, drain, fold_one
from services.alerting.core.inputs import decode, dump
from services.alerting.core.outputs import Outputs
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent
from tests.cases.simulation import Log, fold_again
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


@settings(max_examples=80, deadline=None)
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


@settings(max_examples=80, deadline=None)
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


@settings(max_examples=40, deadline=None)
@given(logs())
def test_messages_survive_the_bus(log: Log) -> None:
    assert told(Fold(TERMS), [(decode(dump(message)), at) for message, at in log]) == told(Fold(TERMS), log)


@settings(max_examples=40, deadline=None)
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


@settings(max_examples=60, deadline=None)
@given(logs())
def test_messages_told_twice_change_nothing(log: Log) -> None:
    doubled = [copy for message in log for copy in (message, message)]
    assert told(Fold(TERMS), doubled) == told(Fold(TERMS), log)


def test_random_logs_do_exercise_the_states() -> None:
    events = [event for seed in range(40) for event in play(seed, 100).events]
    assert {event.state for event in events} == {"pending", "firing", "resolved", "inactive"}
    assert any(event.evidence.late_samples for event in events)
    assert any("is at" in event.annotations.get("summary", "") for event in events)
