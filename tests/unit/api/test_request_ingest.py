"""Pushed request logs: what is taken, what is refused and why."""

import json
from typing import Any

import pytest
from pantau.requests import Entry

from services.api.core.ingest import BadInput
from services.api.core.request_ingest import MOST_REQUESTS, read_requests
from shared.messages.requests import RequestLogBatch

NOW = 1_700_000_000_000
DAY = 86_400_000
LEAST = {"id": "r-1", "method": "GET", "route": "/", "status_code": 200, "response_time_ms": 1, "timestamp": NOW}


def read(*requests: dict[str, Any], source: Any = "billing", **more: Any) -> RequestLogBatch:
    return read_requests(json.dumps({"source": source, "requests": requests} | more).encode(), NOW)


def test_all_fields() -> None:
    full = LEAST | {"request_size": 0, "response_size": 9, "user_agent": "x", "ip_address": "203.0.113.7"}
    batch = read(full, LEAST | {"timestamp": "2023-11-14T22:13:20Z"})
    assert batch.source == "billing"
    first, second = batch.requests
    assert (first.response_size, str(first.ip_address), first.timestamp) == (9, "203.0.113.7", NOW)
    assert (second.user_agent, second.timestamp) == (None, NOW)
    assert RequestLogBatch.decode(batch.encode()) == batch


def test_nothing_is_taken_too() -> None:
    assert read().requests == []


def test_what_the_sdk_sends_is_taken() -> None:
    entry = Entry("a-0", "GET", "/x", 200, 1.5, 0, 3, "Mozilla", "::1", NOW)
    (found,) = read(entry._asdict()).requests
    assert found.model_dump(exclude={"ip_address"}).items() <= entry._asdict().items()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "x" * 101}, "id"),
        ({"method": "M" * 11}, "method"),
        ({"route": "/\0"}, "route"),
        ({"route": "x" * 201}, "route"),
        ({"route": "\ud800"}, "route"),
        ({"status_code": 99}, "status_code"),
        ({"response_time_ms": -1}, "response_time_ms"),
        ({"response_size": 2**63}, "response_size"),
        ({"user_agent": "a\0"}, "user_agent"),
        ({"ip_address": "somewhere"}, "ip_address"),
        ({"timestamp": NOW + 11 * 60_000}, "timestamp"),
        ({"timestamp": NOW - 3 * DAY - 1}, "timestamp"),
        ({"timestamp": "soon"}, "timestamp"),
        ({"timestamp": None}, "timestamp"),
        ({"path": "/x"}, "path"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput) as raised:
        read(LEAST, LEAST | change)
    assert [error.where.removesuffix(".str").removesuffix(".int") for error in raised.value.errors] in (
        [f"body.requests[1].{where}"],
        ["body"],  # what is no text at all is no JSON either
    )


def test_a_source_that_is_ours() -> None:
    with pytest.raises(BadInput, match="Pantau's own"):
        read(LEAST, source="api/web-1:8080")


@pytest.mark.parametrize("source", ["", "a\nb", "x" * 201, 3, None])
def test_a_source_that_is_none(source: Any) -> None:
    with pytest.raises(BadInput, match=r"body\.source"):
        read(LEAST, source=source)


def test_too_many_at_once() -> None:
    with pytest.raises(BadInput, match=r"body\.requests"):
        read(*[LEAST] * (MOST_REQUESTS + 1))


def test_no_json() -> None:
    with pytest.raises(BadInput) as raised:
        read_requests(b"{", NOW)
    assert raised.value.malformed
