"""`/api/v1/query` and `/api/v1/query_range`: parameters as Prometheus takes them, answers as it gives them."""

import math
from typing import Any

import numpy as np
import pytest

from services.api.core.prometheus_query import BadParameter
from services.api.core.query_answers import answer_body, value_text
from services.api.core.query_parameters import instant_query, range_query
from shared.messages.series import NAME
from shared.promql.query import compile_query
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource

NOW = 1_700_000_000_000
RANGE = {"query": "x", "start": "1700000000", "end": "1700000060", "step": "15"}


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("", NOW),
        ("1700000001.5", 1_700_000_001_500),
        ("1.7e9", 1_700_000_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("2023-11-15T05:13:20.250+07:00", 1_700_000_000_250),
    ],
)
def test_an_instant_is_seconds_or_rfc_3339(text: str, at_ms: int) -> None:
    asked = instant_query({"query": "x", "time": text}, NOW)
    assert (asked.start_ms, asked.end_ms, asked.step_ms) == (at_ms, at_ms, 0)


@pytest.mark.parametrize(("step", "step_ms"), [("15", 15_000), ("0.5", 500), ("1m30s", 90_000), ("0.0001", 1)])
def test_a_step_is_seconds_or_a_duration(step: str, step_ms: int) -> None:
    asked = range_query(RANGE | {"step": step, "end": "1700000001"}, 11_000)
    assert (asked.start_ms, asked.end_ms, asked.step_ms) == (1_700_000_000_000, 1_700_000_001_000, step_ms)


def test_what_is_not_given_has_prometheus_default() -> None:
    asked = instant_query({"query": "x"}, NOW)
    assert (asked.timeout_seconds, asked.limit, asked.lookback_ms) == (None, 0, 300_000)
    asked = instant_query({"query": "x", "timeout": "2s", "limit": "3", "lookback_delta": "30"}, NOW)
    assert (asked.timeout_seconds, asked.limit, asked.lookback_ms) == (2.0, 3, 30_000)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"query": ""}, 'invalid parameter "query"'),
        ({"query": "x >"}, 'invalid parameter "query"'),
        ({"query": "x", "time": "noon"}, 'invalid parameter "time": cannot parse "noon" to a valid timestamp'),
        ({"query": "x", "time": "NaN"}, 'cannot parse "NaN"'),
        ({"query": "x", "time": "1e400"}, 'cannot parse "1e400"'),
        ({"query": "x", "time": "-1"}, 'cannot parse "-1"'),
        ({"query": "x", "time": "1_0"}, 'cannot parse "1_0"'),
        ({"query": "x", "timeout": "soon"}, 'invalid parameter "timeout"'),
        ({"query": "x", "limit": "-1"}, 'invalid parameter "limit"'),
        ({"query": "x", "lookback_delta": "0"}, 'invalid parameter "lookback_delta"'),
    ],
)
def test_bad_instant_queries(parameters: dict[str, str], reason: str) -> None:
    with pytest.raises(BadParameter) as refused:
        instant_query(parameters, NOW)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"start": ""}, 'invalid parameter "start"'),
        ({"end": "1699999999"}, "end timestamp must not be before start time"),
        ({"step": ""}, 'invalid parameter "step"'),
        ({"step": "0"}, "zero or negative query resolution step widths are not accepted"),
        ({"step": "-5"}, "zero or negative query resolution step widths are not accepted"),
        ({"step": "0.001"}, "exceeded maximum resolution of 11,000 points per timeseries"),
    ],
)
def test_bad_range_queries(changed: dict[str, str], reason: str) -> None:
    with pytest.raises(BadParameter) as refused:
        range_query(RANGE | changed, 11_000)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (123456789012345680.0, "123456789012345680"),
        (1.5e300, "15" + "0" * 299),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, text: str) -> None:
    assert value_text(value) == text


def answered(text: str, *, step_ms: int = 0, limit: int = 0) -> Any:
    times = np.array([NOW - 30_000, NOW - 15_000, NOW], np.int64)
    source = FixedSource({
        labels_from({NAME: "m", "host": "a"}): (times, np.array([1.0, 2.5, math.inf])),
        labels_from({NAME: "m", "host": "b"}): (times[2:], np.array([4.0])),
    })  # fmt: skip
    query = compile_query(text)
    answer = query.range(source, NOW - 30_000, NOW, step_ms) if step_ms else query.instant(source, NOW)
    return answer_body(answer, limit, over_range=bool(step_ms))


def test_answers_have_prometheus_form() -> None:
    at, a, b = NOW / 1000, {NAME: "m", "host": "a"}, {NAME: "m", "host": "b"}
    assert answered("m") == {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [{"metric": a, "value": (at, "+Inf")}, {"metric": b, "value": (at, "4")}],
        },
    }
    assert answered("m[20s]")["data"] == {
        "resultType": "matrix",
        "result": [{"metric": a, "values": [(at - 15, "2.5"), (at, "+Inf")]}, {"metric": b, "values": [(at, "4")]}],
    }
    assert answered("m", step_ms=15_000)["data"] == {
        "resultType": "matrix",
        "result": [
            {"metric": a, "values": [(at - 30, "1"), (at - 15, "2.5"), (at, "+Inf")]},
            {"metric": b, "values": [(at, "4")]},
        ],
    }
    assert answered("1 + 1")["data"] == {"resultType": "scalar", "result": [at, "2"]}
    assert answered("'text'")["data"] == {"resultType": "string", "result": [at, "text"]}
    assert answered("7", step_ms=30_000)["data"] == {
        "resultType": "matrix",
        "result": [{"metric": {}, "values": [(at - 30, "7"), (at, "7")]}],
    }


def test_remarks_and_truncation_are_told() -> None:
    found = answered("m", limit=1)
    assert len(found["data"]["result"]) == 1
    assert found["warnings"] == ["results truncated due to limit"]
    assert "warnings" not in answered("m", limit=2)
    assert answered("rate(m[1m])")["infos"]


def test_an_answer_without_series_is_an_empty_list() -> None:
    assert answered("nothing")["data"] == {"resultType": "vector", "result": []}
