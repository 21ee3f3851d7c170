"""Instants: milliseconds in Python, RFC 3339 in JSON."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messages.heartbeats import Heartbeat
from shared.messages.message import LATEST_INSTANT_MS, BadMessage, instant_from_text, instant_to_text

INSTANTS = st.integers(0, LATEST_INSTANT_MS)


@given(INSTANTS)
def test_every_instant_survives_its_text(instant_ms: int) -> None:
    text = instant_to_text(instant_ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert instant_from_text(text) == instant_ms


@given(INSTANTS, INSTANTS)
def test_texts_sort_as_instants_do(one: int, other: int) -> None:
    assert (instant_to_text(one) < instant_to_text(other)) == (one < other)


@pytest.mark.parametrize(
    ("text", "instant_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-23T17:15:00+07:00", 1_795_428_900_000),
        ("2026-11-23T10:15:00", 1_795_428_900_000),
        ("2026-11-23T10:15:00.0009Z", 1_795_428_900_001),
        ("9999-12-31T23:59:59.999Z", LATEST_INSTANT_MS),
    ],
)
def test_offsets_and_fractions_are_understood(text: str, instant_ms: int) -> None:
    assert instant_from_text(text) == instant_ms


def heartbeat(at: str) -> bytes:
    others = '"service":"api","instance":"x:1","started_at":0,"version":"1","interval_ms":5000,"ready":true'
    return f'{{"at":{at},{others}}}'.encode()


@pytest.mark.parametrize(
    "at", ['"yesterday"', '"2026-13-01T00:00:00Z"', '"1969-12-31T23:59:59Z"', "-1", "1e300", "null", "{}", "1.5"]
)
def test_what_is_no_instant_is_refused_by_name(at: str) -> None:
    with pytest.raises(BadMessage, match=r"^at: "):
        Heartbeat.decode(heartbeat(at))


@given(INSTANTS)
def test_a_message_keeps_its_instants(instant_ms: int) -> None:
    beat = Heartbeat.decode(heartbeat(str(instant_ms)))
    assert Heartbeat.decode(beat.encode()) == beat
    assert beat.at == instant_ms
