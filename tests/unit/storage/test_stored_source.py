"""A stored source answers what was read, and refuses the rest; queries over it give what they give over memory."""

import numpy as np
import pytest

from shared.messages.series import NAME
from shared.promql.errors import QueryFailed
from shared.promql.matching import Matcher, Selector
from shared.promql.query import Vector, compile_query
from shared.promql.series_sets import labels_from
from shared.storage.stored_source import StoredSource

M = Selector((Matcher(NAME, "=", "m"),))
LABELS = [labels_from({NAME: "m", "host": host}) for host in ("web-3", "web-1", "web-2")]
MINUTE = 60_000


def source() -> StoredSource:
    times = np.arange(1, 11, dtype=np.int64) * MINUTE
    samples = [(times, np.arange(10.0)), (times, np.arange(10.0) + 100), (times[:4], np.arange(4.0) + 200)]
    return StoredSource(LABELS, samples, {M: [0, 1, 2]}, {M: ((0, 10 * MINUTE),)})


def test_series_come_by_their_labels_with_the_samples_of_the_stretch() -> None:
    found = source().select(M.matchers, 2 * MINUTE, 5 * MINUTE)
    assert [dict(one)["host"] for one in found.series] == ["web-1", "web-2", "web-3"]
    values = {int(row): block.values[place].tolist() for block in found.blocks for place, row in enumerate(block.rows)}
    assert values == {0: [102.0, 103.0, 104.0], 1: [202.0, 203.0], 2: [2.0, 3.0, 4.0]}


def test_the_same_set_is_given_again() -> None:
    stored = source()
    assert stored.select(M.matchers, 0, MINUTE).series is stored.select(M.matchers, MINUTE, 2 * MINUTE).series


def test_a_narrower_selector_is_answered_from_the_wider_one() -> None:
    narrow = (*M.matchers, Matcher("host", "!=", "web-1"))
    found = source().select(narrow, 9 * MINUTE, 10 * MINUTE)
    assert [dict(one)["host"] for one in found.series] == ["web-2", "web-3"]
    assert {int(row) for block in found.blocks for row in block.rows} == {0, 1}


@pytest.mark.parametrize(
    ("name", "start", "end"), [("m", -1, 5), ("m", 0, 11 * MINUTE), ("n", 0, 5)], ids=["before", "after", "other"]
)
def test_what_was_not_read_is_refused_and_not_called_empty(name: str, start: int, end: int) -> None:
    with pytest.raises(QueryFailed, match="were not read from history"):
        source().select((Matcher(NAME, "=", name),), start, end)


def test_a_query_over_it() -> None:
    value = compile_query("sum(m) > 200").instant(source(), 5 * MINUTE).value
    assert isinstance(value, Vector)
    assert value.values.tolist() == [[4.0 + 104.0 + 203.0]]
