"""Answers to queries in the JSON of Prometheus' API: times in seconds, values as texts."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, NotRequired

import numpy as np
from typing_extensions import TypedDict

from shared.promql.query import Answer
from shared.promql.values import Matrix, Scalar, Text, Vector

_LARGEST_WHOLE = 1e15
TRUNCATED = "results truncated due to limit"

Point = tuple[float, str]
Entry = Callable[[dict[str, Any]], Any]
"""What becomes of the entry of one series, so that not all of them need be held as Python's objects."""


class QueryData(TypedDict):
    """`result` is a point for a scalar or string, else one entry a series: `{metric, value}` or `{metric, values}`."""

    resultType: Literal["vector", "matrix", "scalar", "string"]
    result: list[Any]


class QueryAnswer(TypedDict):
    """`GET /api/v1/query` and `GET /api/v1/query_range`."""

    status: Literal["success"]
    data: QueryData
    warnings: NotRequired[list[str]]
    infos: NotRequired[list[str]]


def value_count(answer: Answer) -> int:
    """How many values the answer tells."""
    match answer.value:
        case Vector():
            return int(np.count_nonzero(answer.value.present))
        case Matrix():
            return sum(len(one.times) for one in answer.value.samples)
        case Scalar():
            return len(answer.value.values)
    return 1


def answer_body(answer: Answer, limit: int, *, over_range: bool, entry: Entry = lambda one: one) -> QueryAnswer:
    """The answer with at most `limit` series; 0: all of them."""
    data, truncated = _data(answer, limit, over_range, entry)
    body = QueryAnswer(status="success", data=data)
    warnings = [*answer.remarks.warnings, *([TRUNCATED] if truncated else [])]
    if warnings:
        body["warnings"] = warnings
    if answer.remarks.infos:
        body["infos"] = list(answer.remarks.infos)
    return body


def value_text(value: float) -> str:
    """The number as Go writes it with 'f' and as few digits as tell it apart: `5`, `0.00001`, `+Inf`, `NaN`."""
    if value == value // 1 and abs(value) < _LARGEST_WHOLE:
        return str(int(value)) if value or math.copysign(1, value) > 0 else "-0"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    return format(Decimal(text), "f").removesuffix(".0")


def _data(answer: Answer, limit: int, over_range: bool, entry: Entry) -> tuple[QueryData, bool]:
    value, seconds = answer.value, (answer.times / 1000).tolist()
    match value:
        case Text():
            return QueryData(resultType="string", result=[seconds[0], value.value]), False
        case Scalar() if over_range:
            series = {"metric": {}, "values": _points(seconds, value.values.tolist())}
            return QueryData(resultType="matrix", result=[series]), False
        case Scalar():
            return QueryData(resultType="scalar", result=[seconds[0], value_text(float(value.values[0]))]), False
        case Matrix():
            found = [
                entry({"metric": dict(value.series[one.row]),
                       "values": _points((one.times / 1000).tolist(), one.values.tolist())})
                for one in value.samples[: limit or None]
            ]  # fmt: skip
            return QueryData(resultType="matrix", result=found), bool(limit) and len(value.samples) > limit
        case Vector():
            count = min(limit, len(value)) if limit else len(value)
            rows = [entry(_row(value, row, seconds, over_range)) for row in range(count)]
            kind: Literal["matrix", "vector"] = "matrix" if over_range else "vector"
            return QueryData(resultType=kind, result=rows), count < len(value)


def _row(vector: Vector, row: int, seconds: list[float], over_range: bool) -> dict[str, Any]:
    metric = dict(vector.series[row])
    if not over_range:
        return {"metric": metric, "value": (seconds[0], value_text(float(vector.values[row, 0])))}
    there = np.flatnonzero(vector.present[row])
    return {"metric": metric, "values": _points([seconds[step] for step in there], vector.values[row, there].tolist())}


def _points(seconds: list[float], values: list[float]) -> list[Point]:
    return [(second, value_text(value)) for second, value in zip(seconds, values, strict=True)]
