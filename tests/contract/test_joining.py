"""The rule of docs/subscribe.md for joining events and states, as the Python subscriber has it, on very many histories:
whenever one starts, whatever compaction has left, however the two topics come."""

import importlib.util
import json
from collections.abc import Iterator
from random import Random
from types import ModuleType

import pytest

from shared.bus import Outgoing
from shared.messages.message import instant_from_text
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE
from tests.integration.subscribers.histories import Picture, as_written, random_history, truth
from tests.integration.subscribers.running import EXAMPLES

HISTORIES = 500
Log = list[tuple[bytes, bytes | None]]


def new_subscriber() -> ModuleType:
    """The subscriber's code, with nothing read yet."""
    spec = importlib.util.spec_from_file_location("subscriber", EXAMPLES / "subscriber.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picture(subscriber: ModuleType) -> Picture:
    shown = [alert for _, alert in subscriber.furthest.values() if alert]
    return {alert["alert_id"]: (instant_from_text(alert["episode"]), alert["state"]) for alert in shown}


def compacted(chance: Random, log: Log) -> Log:
    """The last message of each key; some tombstones are gone by now."""
    last = {key: place for place, (key, _) in enumerate(log)}
    kept = [one for place, one in enumerate(log) if last[one[0]] == place]
    return [one for one in kept if one[1] is not None or chance.random() < 0.5]


def mixed(chance: Random, first: Log, second: Log) -> Iterator[tuple[bool, tuple[bytes, bytes | None]]]:
    """Both in their orders, interleaved by chance in runs; with each whether it is of the first."""
    logs = [list(reversed(first)), list(reversed(second))]
    while logs[0] or logs[1]:
        which = chance.randrange(2)
        for _ in range(min(chance.randint(1, 30), len(logs[which]))):
            yield which == 0, logs[which].pop()


@pytest.mark.parametrize("start", ["beginning", "somewhere", "end"])
def test_the_picture_is_right_wherever_reading_the_events_starts(start: str) -> None:
    subscriber = new_subscriber()
    for seed in range(HISTORIES):
        chance = Random(seed)
        history = random_history(
            chance, "rule", alerts=4, transitions=chance.randint(1, 60), begin_ms=1_700_000_000_000
        )
        parts = as_written(chance, history)
        begun = chance.randint(0, len(parts))
        events, states = log_of(parts, ALERT_EVENTS), log_of(parts, ALERT_STATE)
        noted, there = len(log_of(parts[:begun], ALERT_EVENTS)), len(log_of(parts[:begun], ALERT_STATE))
        left = compacted(chance, states[:there]) if chance.random() < 0.7 else states[:there]
        first = {"beginning": 0, "somewhere": chance.randint(0, noted), "end": noted}[start]
        subscriber.furthest.clear()
        subscriber.heard.clear()
        for is_event, (key, value) in mixed(chance, events[first:], left + states[there:]):
            partition = subscriber.EVENTS if is_event else subscriber.STATE
            subscriber.take(partition, key, None if value is None else json.loads(value))
        assert picture(subscriber) == truth(history), seed


def log_of(parts: list[list[Outgoing]], topic: object) -> Log:
    """The messages of one topic, as bytes."""
    sent = [one for part in parts for one in part if one.topic is topic]
    return [(one.key.encode(), None if one.message is None else one.message.encode()) for one in sent]
