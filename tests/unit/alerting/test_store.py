"""Samples by series: who wants them, for how long they are kept, where they came from, and how they are packed."""

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerting.core.clocks import Clocks
from services.alerting.core.interests import Interests
from services.alerting.core.journal import CLASSES_MS, Arrival, Entry, Journal, by_class, pack, unpack
from services.alerting.core.routing import Routes
from services.alerting.core.store import Batch, SampleStore, Taken, rows_in
from shared.messages.message import BadMessage
from shared.messages.samples import PackedBatch, Sample, SampleBatch
from shared.messages.series import labels_of
from shared.promql.matching import Matcher, MatchOp, Selector
from shared.promql.series_sets import labels_from
from shared.rules.evidence import Origin

MINUTE = 60_000
START = 1_700_000_100_000


def selector(metric: str | None, *more: tuple[str, MatchOp, str]) -> Selector:
    named = () if metric is None else (Matcher("__name__", "=", metric),)
    return Selector((*named, *(Matcher(*one) for one in more)))


def take(store: SampleStore, series: str, *times: int, offset: int = 1, evaluated: int | None = None) -> Taken:
    rows = rows_in(store, [series] * len(times))
    late = {} if evaluated is None else {"g": START + evaluated}
    batch = Batch("push/1", 3, offset, START + 7)
    return store.take(rows, START + np.array(times, np.int64), np.arange(len(times), dtype=float), batch, late)


def times_of(store: SampleStore, series: str) -> list[int]:
    selection = store.view(2**62).select((Matcher("__name__", "=", series),), 0, 2**62)
    return [time - START for block in selection.blocks for time in block.times.tolist()]


@pytest.fixture
def store() -> SampleStore:
    made = SampleStore(nullcontext())
    made.want("g", {selector("m"): 5 * MINUTE})
    return made


def test_what_nobody_wants_or_is_no_series_has_no_row(store: SampleStore) -> None:
    assert rows_in(store, ["m", "n", 'm{b="1",a="2"}', "m{"]).tolist() == [0, -1, -1, -1]


def test_a_sample_counts_once(store: SampleStore) -> None:
    assert take(store, "m", 1, 2).fresh.tolist() == [True, True]
    assert take(store, "m", 2, 3).fresh.tolist() == [False, True]
    assert times_of(store, "m") == [1, 2, 3]


def test_series_are_forgotten_when_nobody_looks_at_their_samples_any_more(store: SampleStore) -> None:
    take(store, "m", 0)
    store.forget(START + 5 * MINUTE - 1)
    assert len(store) == 1
    store.want("h", {selector("m"): 6 * MINUTE})
    store.forget(START + 5 * MINUTE)
    assert len(store) == 1, "another group looks further back"
    store.want("h", {})
    store.forget(START + 5 * MINUTE)
    assert (len(store), store.series_of("g"), rows_in(store, ["m"]).tolist()) == (0, 0, [0])


def test_who_wants_a_series_is_found_anew_when_rules_change(store: SampleStore) -> None:
    take(store, "m", 0)
    store.want("h", {selector(None, ("__name__", "=~", "m|n")): MINUTE})
    (row,) = store.rows_of("h")
    assert (store.reach(row, "g"), store.reach(row, "h"), store.reach(row, "i")) == (5 * MINUTE, MINUTE, -1)
    store.want("g", {})
    assert store.rows_of("g") == []
    assert len(store) == 1
    store.want("h", {selector("n"): MINUTE})
    assert len(store) == 0


def test_what_came_late_is_marked_and_counted(store: SampleStore) -> None:
    taken = take(store, "m", 10, 20, 30, evaluated=20)
    assert taken.late == {"g": 2}
    assert take(store, "m", 20, evaluated=99).late == {}, "it was there already"
    assert {time - START for time in store.late(labels_from(labels_of("m")))} == {10, 20}


def test_where_a_sample_came_from_is_known_for_ten_minutes(store: SampleStore) -> None:
    labels = labels_from(labels_of("m"))
    take(store, "m", 10, offset=41)
    take(store, "m", 20, offset=42)
    assert store.origin(labels, START + 10, START + 50, "") == Origin(3, 41, START + 7)
    assert store.origin(labels, START + 20, START + 50, "") == Origin(3, 42, START + 7)
    assert store.origin(labels, START + 15, START + 50, "") is None, "no such sample"
    assert store.origin(labels, START + 20, START + 50, "push/1") is None, "that is who asks"
    assert store.origin(labels, START + 20, START + 20 + 10 * MINUTE, "") is None
    assert store.origin(labels_from({"__name__": "x"}), START, START, "") is None


def test_interests_by_metric_and_without() -> None:
    interests: Interests[str] = Interests()
    interests.put("a", {selector("m"): 5, selector("m", ("h", "=", "1")): 9})
    interests.put("b", {selector(None, ("h", "!=", "")): 7})
    assert interests.of({"__name__": "m"}) == {"a": 5}
    assert interests.of({"__name__": "m", "h": "1"}) == {"a": 9, "b": 7}
    assert interests.of({"__name__": "n"}) == {}
    assert (interests.metrics_of("a"), interests.metrics_of("b"), interests.metrics_of("c")) == ({"m"}, None, set())
    interests.put("a", {selector("n"): 0})
    interests.put("b", {})
    assert interests.of({"__name__": "m", "h": "1"}) == {}
    assert interests.of({"__name__": "n"}) == {"a": 0}


NUMBERS = st.integers(-(2**31), 2**31 - 1)
SAMPLES = st.tuples(st.integers(0, 2**40), st.sampled_from(CLASSES_MS), st.integers(-(2**62), 2**62), NUMBERS)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(SAMPLES, st.binary(min_size=8, max_size=8)), min_size=1, max_size=40))
def test_entries_come_back_from_their_bytes_by_class(samples: list[tuple[tuple[int, int, int, int], bytes]]) -> None:
    columns = np.array([one for one, _ in samples], np.int64).T
    values = np.frombuffer(b"".join(bits for _, bits in samples), "<f8")
    journal = Journal()
    journal.append(Entry(columns[0], columns[1], columns[2], values, columns[3].astype(np.int32)))
    journal.note(Arrival(1, "a", 0, 0, 0, 0))
    taken, arrivals = journal.drain()
    assert len(arrivals) == 1
    assert journal.drain() == (([], []), [])
    found = by_class(taken.newer)
    for number, reach in enumerate(CLASSES_MS):
        chosen = np.lexsort((columns[2], columns[0]))  # those of a series together, rising
        chosen = chosen[columns[1][chosen] == reach]
        assert (number in found) == bool(len(chosen))
        if len(chosen):
            back = unpack(pack(found[number]))
            assert back.numbers.tolist() == columns[0][chosen].tolist()
            assert back.times.tolist() == columns[2][chosen].tolist()
            assert back.marks.tolist() == columns[3][chosen].tolist()
            assert back.values.tobytes() == values[chosen].tobytes(), "each bit of a NaN"


def packed(*samples: tuple[str, int], source: str = "push/1") -> PackedBatch:
    return PackedBatch.decode(SampleBatch.of(source, [Sample(key, START, value) for key, value in samples]).encode())


def routed(routes: Routes, batch: PackedBatch) -> list[tuple[list[int], list[float]]]:
    return [
        (samples.columns()[0].tolist(), samples.columns()[2].tolist()) for _, samples in routes.split(batch, 0, 0, 0)
    ]


def test_batches_are_routed_whole_in_part_or_not_at_all() -> None:
    routes = Routes(1)
    routes.put("g", {selector("m"): 1})
    assert routed(routes, packed(("m", 1), ('m{h="1"}', 2))) == [([0, 1], [1, 2])]
    assert routed(routes, packed(("n", 1), ("m", 2), ("n", 3), ('m{h="1"}', 4))) == [([0, 1], [2, 4])]
    assert routed(routes, packed(("n", 1))) == []
    assert routed(routes, packed(("m", 5), ('m{h="1"}', 6))) == [([0, 1], [5, 6])], "the first ones again"
    routes.put("g", {selector("n"): 1})
    assert routed(routes, packed(("m", 5), ("n", 6))) == [([0], [6])]
    routes.put("g", {})
    assert (len(routes), routed(routes, packed(("n", 1)))) == (0, [])


def test_what_is_known_of_a_batch_holds_until_a_rule_may_select_more_of_it() -> None:
    routes, batch = Routes(1), packed(("m", 5), ("n", 6))
    routes.put("g", {selector("m"): 1})
    assert routed(routes, batch) == [([0], [5])]
    routes.put("h", {selector("n"): 1})
    assert routed(routes, batch) == [([0, 1], [5, 6])]


def test_of_a_metric_only_the_series_that_are_selected_are_routed() -> None:
    routes = Routes(1)
    routes.put("g", {selector("m", ("h", "=", "1")): 1})
    assert routed(routes, packed(('m{h="1"}', 1), ('m{h="2"}', 2))) == [([0], [1])]


def test_an_index_beyond_the_series_is_refused_also_where_the_series_are_known() -> None:
    routes = Routes(1)
    routes.put("g", {selector("m"): 1})
    good = SampleBatch.of("push/1", [Sample("m", START, 1)])
    bad = SampleBatch(good.source, good.series, good.types, b"\x01\0\0\0", good.times, good.values)
    for _ in range(2):
        with pytest.raises(BadMessage):
            routes.split(PackedBatch.decode(bad.encode()), 0, 0, 0)
        assert routes.split(PackedBatch.decode(good.encode()), 0, 0, 0)


def test_what_a_new_group_missed_is_routed_to_it_alone() -> None:
    routes = Routes(1)
    routes.put("g", {selector("m"): 1})
    routes.put("h", {selector("n"): 1})
    ((_, samples),) = routes.split_for(packed(("m", 1), ("n", 2)), 0, 5, 6, {"h"}, fill=True)
    assert (samples.columns()[2].tolist(), samples.fill, samples.offset, samples.accepted_ms) == ([2], True, 5, 6)


def test_a_clock_that_is_ahead_is_told_once() -> None:
    clocks = Clocks(5_000)
    assert [clocks.note("a", ahead, 0) for ahead in (5_000, 5_001, 9_000, 5_000, -1, 6_000)] == [
        None,
        True,
        None,
        False,
        None,
        True,
    ]
    assert clocks.ahead == {"a": 6_000}
