"""Snapshots: what did not change is not written again; what comes back is what was there, whatever happened since."""

import msgspec
import pytest

from services.alerting.core import snapshots
from services.alerting.core.fold import Fold, fold_one
from services.alerting.core.snapshots import BadSnapshot, Manifest
from services.alerting.core.terms import Terms
from shared.messages.samples import Sample, SampleBatch
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Simulation
from tests.cases.timeline import START_MS

TERMS = Terms()
MINUTE = 60_000


class Kept:
    """A simulation whose fold is stored now and then, as its owner would."""

    def __init__(self, rules: str) -> None:
        self.simulation = Simulation(TERMS, START_MS)
        self.chunks: dict[str, bytes] = {}
        self.manifest: Manifest | None = None
        self.written: dict[str, bytes] = {}
        self._count = 0
        self.define(rules)

    def define(self, rules: str) -> None:
        self.simulation.define(parse_rule_file(rules, "test"))
        self.simulation.mark()

    def send(self, minute: float, *series: str, value: float = 5.0) -> None:
        self.simulation.now_ms = START_MS + round(minute * MINUTE)
        self.simulation.send("collector/a", [Sample(one, self.simulation.now_ms, value) for one in series])
        self.simulation.mark()

    def store(self) -> Manifest:
        """What was written for it is in `written`; what nobody needs any more is gone from `chunks`."""
        self._count += 1
        taken = snapshots.take(self.simulation.fold, 0, self.manifest, f"s{self._count}", self.chunks.get)
        self.written = taken.chunks
        self.chunks |= taken.chunks
        self.manifest = snapshots.decode_manifest(snapshots.encode_manifest(taken.manifest))
        self.chunks = {key: self.chunks[key] for key in self.manifest.keys}
        return self.manifest

    def restored(self) -> Fold:
        assert self.manifest is not None
        return snapshots.restore(TERMS, self.manifest, self.chunks)

    def restart(self) -> None:
        self.store()
        self.simulation.fold = self.restored()


def held(fold: Fold) -> dict[str, list[tuple[int, float]]]:
    """The samples of each series."""
    found = {}
    for key, row in fold.store.rows.items():
        selection = fold.store.view(2**62, frozenset([row])).select((), 0, 2**62)
        found[key] = [
            ((time - START_MS), value)
            for block in selection.blocks
            for time, value in zip(block.times.tolist(), block.values[0].tolist(), strict=True)
        ]
    return found


def written(kept: Kept, part: str) -> list[str]:
    return [key for key in kept.written if key.split("/")[1].startswith(part)]


ONE = "groups: [{name: g, rules: [{alert: r, expr: m > 1}]}]"
FAR = "groups: [{name: g, rules: [{alert: r, expr: 'max_over_time(m[50m]) > 1'}]}]"
OTHER = "groups: [{name: g, rules: [{alert: r, expr: o > 1}]}]"


def test_only_what_changed_is_written() -> None:
    kept = Kept(ONE)
    kept.send(1, "m")
    kept.store()
    assert written(kept, "definitions")
    assert written(kept, "series")
    assert written(kept, "samples")
    kept.send(2, "m")
    kept.store()
    assert not written(kept, "definitions")
    assert not written(kept, "series")
    assert len(written(kept, "samples")) == 1
    kept.simulation.mark()
    kept.store()
    assert not written(kept, "samples")
    assert not written(kept, "arrivals")
    kept.send(3, "m", 'm{host="a"}')
    kept.store()
    assert written(kept, "series")
    assert not written(kept, "definitions")
    kept.define(FAR)
    kept.store()
    assert written(kept, "definitions")


def test_segments_that_nobody_needs_are_dropped() -> None:
    kept = Kept(ONE)
    for minute in range(40):
        kept.send(minute, "m")
        kept.store()
    assert kept.manifest is not None
    times = [segment.last_ms - START_MS for segment in kept.manifest.segments]
    assert 25 * MINUTE < min(times) <= 30 * MINUTE
    assert len(kept.manifest.arrivals) <= 12
    assert held(kept.restored())["m"][-1] == (39 * MINUTE, 5.0)


def test_many_segments_that_are_kept_for_long_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_SEGMENTS", 8)
    kept = Kept(FAR)
    for minute in range(40):
        kept.send(minute, "m", 'm{host="a"}', value=minute)
        kept.store()
        assert kept.manifest is not None
        assert len(kept.manifest.segments) <= 8
    expected = [(minute * MINUTE, float(minute)) for minute in range(40)]
    assert held(kept.restored()) == {"m": expected, 'm{host="a"}': expected}


def test_what_a_rule_that_looks_further_back_needs_outlives_the_segments_that_it_was_in() -> None:
    kept = Kept(ONE)
    for minute in range(5):
        kept.send(minute, "m", value=minute)
    kept.store()
    kept.define(FAR)
    for minute in range(5, 40):
        kept.send(minute, "m", value=minute)
        kept.store()
    assert held(kept.restored())["m"] == [(minute * MINUTE, float(minute)) for minute in range(40)]


def test_numbers_of_series_that_are_gone_are_not_given_to_others_after_a_restart() -> None:
    kept = Kept(ONE)
    kept.send(1, "m", value=1)
    kept.store()
    kept.define(OTHER)
    kept.restart()
    kept.send(2, "o", value=2)
    kept.restart()
    assert held(kept.simulation.fold) == {"o": [(2 * MINUTE, 2.0)]}


@pytest.mark.parametrize("part", ["fold", "definitions", "states", "series", "samples", "arrivals"])
def test_a_missing_or_spoilt_chunk_is_told(part: str) -> None:
    kept = Kept(ONE)
    kept.send(1, "m")
    manifest = kept.store()
    (key,) = written(kept, part)
    without = {name: chunk for name, chunk in kept.chunks.items() if name != key}
    with pytest.raises(BadSnapshot, match=f"{key}.*missing"):
        snapshots.restore(TERMS, manifest, without)
    for spoilt in (b"", b"x", kept.chunks[key][:-3], kept.chunks[key] + b"more"):
        with pytest.raises(BadSnapshot):
            snapshots.restore(TERMS, manifest, kept.chunks | {key: spoilt})


def test_a_manifest_of_another_format_is_told() -> None:
    kept = Kept(ONE)
    with pytest.raises(BadSnapshot, match="format is 1"):
        snapshots.decode_manifest(snapshots.encode_manifest(msgspec.structs.replace(kept.store(), format=1)))
    with pytest.raises(BadSnapshot, match="can't be read"):
        snapshots.decode_manifest(b"nonsense")


def test_large_states_are_cut_into_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LARGEST_CHUNK", 100)
    kept = Kept(ONE)
    kept.send(1, *(f'm{{host="{number}"}}' for number in range(50)))
    manifest = kept.store()
    assert max(map(len, kept.chunks.values())) == 100
    assert len(manifest.states) > 2
    assert len(held(kept.restored())) == 50


def test_a_restored_fold_goes_on_as_if_nothing_had_happened() -> None:
    kept = Kept(ONE)
    for minute in range(12):
        kept.send(minute, "m", value=minute % 3)
        kept.restart()
    whole = Fold(TERMS)
    told = [one for message, at in kept.simulation.log for out in fold_one(whole, message, at) for one in out.events]
    assert [one.encode() for one in kept.simulation.events] == [one.encode() for one in told]
    assert len(told) == 6


def test_a_rule_that_looks_further_back_sees_the_same_after_a_restart() -> None:
    """Samples that nobody needed were forgotten here and kept there: what is filled again counts in both."""
    kept = Kept(ONE)
    for minute in range(20):
        kept.send(minute, "m", value=minute)
        kept.simulation.now_ms += 1_000
        kept.simulation.accept(SampleBatch.of("push/1", [Sample("m", kept.simulation.now_ms - 30_000, 7)]))
        if minute % 7 == 3:
            kept.restart()
    kept.define(FAR)
    whole = Fold(TERMS)
    for message, at in kept.simulation.log:
        assert not [one for out in fold_one(whole, message, at) for one in out.refused.values() if one]
    assert held(kept.simulation.fold) == held(whole)
    late = [set(fold.store.late((("__name__", "m"),))) for fold in (whole, kept.simulation.fold)]
    assert late[0] == late[1]
