"""A library that repeats itself is heard once in a while."""

import logging

import pytest

from shared import clock
from shared.telemetry import REPEAT_SECONDS, NotAgain


def record(name: str, message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, __file__, 1, message, values, None)


def test_repeats_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(clock, "elapsed", lambda: now)
    only = NotAgain()
    assert only.filter(record("aiokafka.client", "can't reach node %s", 1))
    assert not only.filter(record("aiokafka.client", "can't reach node %s", 2))
    assert only.filter(record("aiokafka.client", "another trouble"))
    now += REPEAT_SECONDS
    again = record("aiokafka.client", "can't reach node %s", 3)
    assert only.filter(again)
    assert again.getMessage() == "can't reach node 3 (and 1 more like it)"


def test_our_own_messages_are_never_left_out() -> None:
    only = NotAgain()
    assert all(only.filter(record("shared.bus", "message put aside")) for _ in range(3))
