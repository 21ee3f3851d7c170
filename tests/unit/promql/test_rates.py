"""Rates and sums against plain loops over the samples."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.promql.query import compile_query
from shared.promql.series_sets import Ints
from shared.promql.source import FixedSource
from shared.promql.values import Floats, Vector

LABELS = (("__name__", "m_total"),)


@st.composite
def counters(draw: st.DrawFn) -> tuple[Ints, Floats]:
    times = sorted(draw(st.lists(st.integers(0, 600_000), min_size=2, max_size=60, unique=True)))
    values = draw(st.lists(st.integers(0, 50).map(float), min_size=len(times), max_size=len(times)))
    return np.array(times, np.int64), np.array(values)


def _increase(times: Ints, values: Floats, start: int, end: int) -> float | None:
    """The definition, sample by sample."""
    seen = [(int(time), float(value)) for time, value in zip(times, values, strict=True) if start < time <= end]
    if len(seen) < 2:
        return None
    total = seen[-1][1] - seen[0][1]
    total += sum(before for (_, before), (_, after) in pairwise(seen) if after < before)
    sampled = (seen[-1][0] - seen[0][0]) / 1000
    average = sampled / (len(seen) - 1)
    to_start, to_end = (seen[0][0] - start) / 1000, (end - seen[-1][0]) / 1000
    to_start = average / 2 if to_start >= average * 1.1 else to_start
    to_end = average / 2 if to_end >= average * 1.1 else to_end
    if total > 0 and seen[0][1] >= 0:
        to_start = min(to_start, sampled * (seen[0][1] / total))
    return total * (sampled + to_start + to_end) / sampled


@settings(deadline=None, max_examples=150)
@given(counters(), st.sampled_from([30, 60, 300]))
def test_increase_is_what_its_definition_says(samples: tuple[Ints, Floats], seconds: int) -> None:
    answer = compile_query(f"increase(m_total[{seconds}s])").range(FixedSource({LABELS: samples}), 0, 600_000, 20_000)
    assert isinstance(answer.value, Vector)
    got = {
        time: float(answer.value.values[0, step])
        for step, time in enumerate(answer.times.tolist())
        if len(answer.value) and answer.value.present[0, step]
    }
    expected = {time: _increase(*samples, time - seconds * 1000, time) for time in answer.times.tolist()}
    assert got == pytest.approx({time: value for time, value in expected.items() if value is not None}, rel=1e-12)


@pytest.mark.parametrize("falls", [1, 7, 600])
def test_resets_count_the_same_however_many_there_are(falls: int) -> None:
    """Few falls and many take different ways through the code."""
    times = np.arange(1201, dtype=np.int64) * 1000
    values = np.arange(1201.0)
    for at in np.linspace(1, 1200, falls).astype(int):
        values[at:] -= values[at]
    source = FixedSource({(*LABELS, ("n", str(n))): (times, values + (n % 3 == 0)) for n in range(40)})
    answer = compile_query("increase(m_total[5m])").range(source, 300_000, 1_200_000, 7_000)
    assert isinstance(answer.value, Vector)
    for row, labels in enumerate(answer.value.series):
        own = values + (int(dict(labels)["n"]) % 3 == 0)
        for step in range(0, len(answer.times), 13):
            at = int(answer.times[step])
            assert answer.value.values[row, step] == pytest.approx(_increase(times, own, at - 300_000, at))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=300))
def test_sums_lose_nothing(values: list[float]) -> None:
    times = np.arange(len(values), dtype=np.int64) * 1000
    over_time = FixedSource({LABELS: (times, np.array(values))})
    answer = compile_query("sum_over_time(m_total[1h])").instant(over_time, 300_000)
    assert isinstance(answer.value, Vector)
    assert float(answer.value.values[0, 0]) == pytest.approx(math.fsum(values), rel=1e-15, abs=1e-14)
    across = FixedSource({(*LABELS, ("n", str(n))): (times[:1], np.array([value])) for n, value in enumerate(values)})
    answer = compile_query("sum(m_total)").instant(across, 0)
    assert isinstance(answer.value, Vector)
    assert float(answer.value.values[0, 0]) == pytest.approx(math.fsum(values), rel=1e-15, abs=1e-14)


def test_what_large_values_would_swallow_is_carried_along() -> None:
    values = np.concatenate([[1e16], np.ones(199), [-1e16]])
    times = np.arange(len(values), dtype=np.int64) * 1000
    answer = compile_query("sum_over_time(m_total[1h])").instant(FixedSource({LABELS: (times, values)}), 300_000)
    assert isinstance(answer.value, Vector)
    assert float(answer.value.values[0, 0]) == 199.0
