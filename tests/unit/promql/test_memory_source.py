"""Samples appended one after the other answer like whole series."""

from random import Random

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.promql.errors import BadQuery, QueryFailed
from shared.promql.memory_source import MemorySource
from shared.promql.query import Answer, Query, compile_query
from shared.promql.series_sets import Labels
from shared.promql.source import FixedSource, Source
from shared.promql.values import Scalar, Vector
from tests.unit.promql.strategies import VECTORS, Data, data

KEPT_MS = 600_000
SLOW = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


def _elements(answer: Answer) -> dict[Labels, list[float]]:
    value = answer.value
    if isinstance(value, Scalar):
        return {(): value.values.tolist()}
    assert isinstance(value, Vector)
    return {
        labels: np.where(value.present[row], value.values[row], 12345.678).tolist()
        for row, labels in enumerate(value.series)
        if value.present[row].any()
    }


def _answer(query: Query, source: Source, at: int) -> "dict[Labels, list[float]] | str":
    try:
        return _elements(query.instant(source, at))
    except (QueryFailed, BadQuery) as error:
        return type(error).__name__


@SLOW
@given(data(), VECTORS.filter(lambda text: "@" not in text), st.randoms(use_true_random=False))
def test_windows_that_take_samples_as_they_come_are_the_whole_series(series: Data, text: str, random: Random) -> None:
    try:
        query = compile_query(text)
    except BadQuery:
        return
    memory, whole = MemorySource(), FixedSource(series)
    waiting = sorted(
        (int(time), labels, float(value))
        for labels, (times, values) in series.items()
        for time, value in zip(times, values, strict=True)
    )
    for at in range(0, 600_001, 100_000):
        now = [one for one in waiting if at - 100_000 < one[0] <= at]
        random.shuffle(now)
        for time, labels, value in now:
            rows = memory.rows_of([dict(labels)])
            memory.append(rows, np.array([time]), np.array([value]))
        past = FixedSource(
            {labels: (times[times <= at], values[times <= at]) for labels, (times, values) in series.items()}
        )
        first, second = _answer(query, past, at), _answer(query, memory, at)
        if isinstance(first, dict) and isinstance(second, dict):
            assert first.keys() == second.keys(), text
            for labels, expected in first.items():
                # Series come in another order, and so do the additions of a sum: the last bit may differ.
                np.testing.assert_allclose(second[labels], expected, rtol=1e-12, err_msg=text)
        else:
            assert first == second, text
    assert whole is not None


def _filled(count: int, samples: int) -> tuple[MemorySource, np.ndarray]:
    memory = MemorySource()
    rows = memory.rows_of({"__name__": "m_total", "n": str(number)} for number in range(count))
    for at in range(samples):
        memory.append(rows, np.full(count, at * 1000), np.full(count, float(at)))
    return memory, rows


def test_what_is_forgotten_is_gone_and_what_is_not_stays() -> None:
    memory, rows = _filled(3, 10)
    memory.append(rows[:1], np.array([60_000]), np.array([1.0]))
    assert memory.forget(30_000) == 2
    assert len(memory) == 1
    answer = compile_query("m_total").instant(memory, 60_000)
    assert _elements(answer) == {(("__name__", "m_total"), ("n", "0")): [1.0]}
    again = memory.rows_of([{"__name__": "m_total", "n": "2"}])
    memory.append(again, np.array([61_000]), np.array([7.0]))
    assert len(_elements(compile_query("m_total").instant(memory, 61_000))) == 2


def test_labels_of_a_selector_are_worked_out_once() -> None:
    memory, rows = _filled(4, 5)
    query = compile_query("m_total")
    first = memory.select(query.selectors[0].matchers, 0, 5000).series
    memory.append(rows, np.full(4, 9000), np.zeros(4))
    assert memory.select(query.selectors[0].matchers, 0, 9000).series is first
    memory.rows_of([{"__name__": "m_total", "n": "new"}])
    assert memory.select(query.selectors[0].matchers, 0, 9000).series is not first


def test_the_first_of_two_samples_at_a_time_counts() -> None:
    memory, rows = _filled(1, 3)
    memory.append(rows, np.array([1000]), np.array([99.0]))
    assert list(_elements(compile_query("m_total @ 1").instant(memory, 5000)).values()) == [[1.0]]
