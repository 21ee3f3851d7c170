"""What is new, what may be there already, what came twice: against the plain statement of it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.history.core.series_index import NEVER, UNKNOWN, SeriesIndex
from services.history.core.splitting import Samples, advance, concatenated, distinct, split, to_be_asked
from shared.messages.samples import STALE

Rows = list[tuple[int, int, float]]
# Three series and five instants, so that repetitions are common; a NaN, a marker and both zeros among the values.
rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(10, 14), st.sampled_from([1.0, 2.0, float("nan"), STALE, 0.0, -0.0])),
    max_size=40,
)


def samples(of: Rows) -> Samples:
    return Samples(
        np.array([slot for slot, _, _ in of], np.int64),
        np.array([time for _, time, _ in of], np.int64),
        np.array([value for _, _, value in of], np.float64),
    )


def bits(value: float) -> bytes:
    return np.float64(value).tobytes()


@given(rows)
def test_the_first_value_of_each_instant_is_kept_and_the_others_are_counted(given_rows: Rows) -> None:
    first: dict[tuple[int, int], bytes] = {}
    same = other = 0
    for slot, time, value in given_rows:
        kept = first.setdefault((slot, time), bits(value))
        same += kept == bits(value)
        other += kept != bits(value)
    found = distinct(samples(given_rows))
    got = list(zip(found.samples.slots.tolist(), found.samples.times.tolist(), strict=True))
    assert got == sorted(first), "by series and time, each once"
    assert [value.tobytes() for value in found.samples.values] == [first[key] for key in sorted(first)]
    assert (found.repeated_same, found.repeated_other) == (same - len(first), other)


def test_only_what_is_after_the_last_time_is_newer() -> None:
    last = np.array([NEVER, 12, UNKNOWN])
    given_samples = samples([(slot, time, 1.0) for slot in range(3) for time in (11, 12, 13)])
    newer, late = split(given_samples, last)
    assert list(zip(newer.slots.tolist(), newer.times.tolist(), strict=True)) == [(0, 11), (0, 12), (0, 13), (1, 13)]
    assert len(late) == 5


def test_the_database_is_asked_from_the_earliest_new_sample_of_series_that_are_not_known() -> None:
    last = np.array([UNKNOWN, 5, UNKNOWN])
    asked = to_be_asked(distinct(samples([(2, 14, 1.0), (0, 11, 1.0), (1, 9, 1.0), (2, 13, 1.0)])).samples, last)
    assert (asked.slots.tolist(), asked.times.tolist()) == ([0, 2], [11, 13])


def test_last_times_only_rise_and_what_is_unknown_stays_so() -> None:
    last = np.array([NEVER, 20, UNKNOWN])
    advance(last, samples([(0, 11, 1.0), (0, 12, 1.0), (1, 11, 1.0), (2, 11, 1.0)]))
    assert last.tolist() == [12, 20, UNKNOWN]


def test_nothing_is_nothing() -> None:
    assert len(distinct(concatenated([])).samples) == 0


def test_the_index_gives_slots_and_notices_other_types() -> None:
    index = SeriesIndex(most=10_000)
    keys = [f"m{number}" for number in range(3_000)]  # more than it starts with
    index.add(keys[:1], [70], ["unknown"], NEVER)
    index.add(keys[1:], range(71, 71 + 2_999), ["gauge"] * 2_999, UNKNOWN)
    slots = index.slots(["m2999", "absent", "m0"])
    assert index.ids[slots[[0, 2]]].tolist() == [3069, 70]
    assert slots[1] == -1
    assert index.last[slots[[0, 2]]].tolist() == [UNKNOWN, NEVER]
    assert index.retyped(slots, ["counter", "counter", "gauge"]).tolist() == [0, 2]
    assert index.retyped(slots, ["unknown", "counter", "unknown"]).tolist() == [], "untyped says nothing"
    index.set_types(slots[[0, 2]], ["counter", "gauge"])
    assert index.retyped(slots, ["counter", "counter", "gauge"]).tolist() == []
    assert index.full_with(7_001)
    assert not index.full_with(7_000)
    index.forget()
    assert index.slots(["m0"]).tolist() == [-1]
