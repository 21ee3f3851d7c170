"""What gateways answer, read."""

from typing import Any

import pytest

from shared.whatsapp.answers import cloud_number, status_document, waha_message, waha_sessions
from shared.whatsapp.errors import GatewayError
from shared.whatsapp.pointers import MISSING, check_pointer, look_up
from shared.whatsapp.told import Session

DOCUMENT: dict[str, Any] = {"a": {"b/c": [10, {"~": None}]}, "": 1, "x": False}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        *(("", DOCUMENT), ("/a/b~1c/0", 10), ("/a/b~1c/1/~0", None), ("/", 1), ("/x", False)),
        *(("/a/b", MISSING), ("/a/b~1c/2", MISSING), ("/a/b~1c/-1", MISSING), ("/x/y", MISSING)),
        ("/a/b~1c/²", MISSING),
    ],
)
def test_pointers(pointer: str, found: Any) -> None:
    assert look_up(DOCUMENT, check_pointer(pointer)) is found or look_up(DOCUMENT, pointer) == found


def test_what_is_no_pointer_says_what_one_looks_like() -> None:
    with pytest.raises(ValueError, match="begins with /"):
        check_pointer("queue.size")


def test_sessions_of_waha_and_those_it_leaves_out() -> None:
    answer = [
        {"name": "default", "status": "WORKING", "engine": {"engine": "GOWS"}},
        {"name": "b", "status": "NEW_IN_2027"},
    ]
    told = waha_sessions(answer, ["default", "gone"])
    assert told.sessions == (
        Session("b", "OTHER", False),
        Session("default", "WORKING", True),
        Session("gone", "STOPPED", False),
    )
    assert told.engine == "GOWS"
    assert {session.state for session in told.sessions} <= set(told.states)


@pytest.mark.parametrize("answer", [None, {}, [1], [{"name": "a"}], [{"name": "", "status": "WORKING"}], [{}] * 1_001])
def test_what_is_no_list_of_sessions(answer: Any) -> None:
    with pytest.raises(GatewayError) as raised:
        waha_sessions(answer, [])
    assert raised.value.reason == "bad_value"


def test_a_number_at_meta() -> None:
    told = cloud_number({"status": "CONNECTED", "quality_rating": "PURPLE"}, "1")
    assert (told.sessions, told.quality) == ((Session("1", "CONNECTED", True),), "UNKNOWN")
    assert cloud_number({"status": "BANNED"}, "1").sessions == (Session("1", "BANNED", False),)
    with pytest.raises(GatewayError):
        cloud_number({"error": {"code": 190}}, "1")


NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize(
    ("field", "value", "attribute", "expected"),
    [
        ("connected", True, "sessions", (Session("default", "connected", True),)),
        ("connected", "Open", "sessions", (Session("default", "connected", True),)),
        ("connected", "close", "sessions", (Session("default", "disconnected", False),)),
        ("sessions", {"a": True}, "sessions", (Session("a", "connected", True),)),
        ("sessions", [{"name": "a", "status": "x"}], "sessions", (Session("a", "disconnected", False),)),
        ("queue_size", 3, "queue_size", 3),
        ("queue_size", [1, 2], "queue_size", 2),
        ("oldest_seconds", 4.5, "oldest_seconds", 4.5),
        ("oldest_seconds", None, "oldest_seconds", 0),
        ("oldest_at", NOW_MS - 5_000, "oldest_seconds", 5),
        ("oldest_at", NOW_MS / 1000 - 5, "oldest_seconds", 5),
        ("oldest_at", "2026-09-21T14:13:15Z", "oldest_seconds", 5),
        ("oldest_at", NOW_MS + 5_000, "oldest_seconds", 0),
        (
            "messages",
            {"invoice": {"sent": 2, "failed": 0}},
            "messages",
            {("invoice", "sent"): 2, ("invoice", "failed"): 0},
        ),
    ],
)
def test_what_a_status_tells(field: str, value: Any, attribute: str, expected: Any) -> None:
    told = status_document({"it": value}, {field: "/it"}, {"open"}, NOW_MS)
    assert told.problems == ()
    assert getattr(told, attribute) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("connected", 1), ("connected", None), ("sessions", ["a"]), ("sessions", [{"status": "x"}] * 2)),
        *(("queue_size", -1), ("queue_size", "3"), ("queue_size", True), ("queue_size", float("nan"))),
        *(("oldest_seconds", "soon"), ("oldest_at", "yesterday"), ("oldest_at", {})),
        *(("messages", {"invoice": 3}), ("messages", {"a": {"b": -1}}), ("messages", [])),
        ("messages", {"a": {str(number): 1 for number in range(501)}}),
    ],
)
def test_what_cannot_be_is_a_problem_and_costs_nothing_else(field: str, value: Any) -> None:
    other = "oldest_seconds" if field == "queue_size" else "queue_size"
    told = status_document({"it": value, "good": 7}, {field: "/it", other: "/good"}, (), NOW_MS)
    assert len(told.problems) == 1
    assert told.problems[0].startswith(f"{field} at /it: ")
    assert getattr(told, other) == 7


def test_messages_of_waha() -> None:
    assert waha_message({"id": "true_1@c.us_A", "ack": 2}) == ("true_1@c.us_A", 2)
    assert waha_message({"id": {"_serialized": "true_1@c.us_A"}}) == ("true_1@c.us_A", 0)
    for wrong in (None, {}, {"id": ""}, {"id": "x", "ack": 9}, {"id": "x", "ack": True}):
        with pytest.raises(GatewayError):
            waha_message(wrong)
