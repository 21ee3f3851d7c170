"""The example payloads below shared/messages/examples, as bytes on the bus.

A file holds `about`, the message `key`, the `value` (null is a tombstone) and, where it comes from a later version,
`ignored`: the paths of fields that readers of today do not know. A sample batch is written as a list of samples with
RFC 3339 times; NaN, Infinity, -Infinity and stale stand for the values that JSON has no number for.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from shared.messages.message import instant_from_text
from shared.messages.samples import STALE, Sample, SampleBatch
from shared.messages.topics import SAMPLES, TOPICS, Topic

DIRECTORY = Path(__file__).resolve().parents[2] / "shared" / "messages" / "examples"


@dataclass(frozen=True)
class Example:
    """One file. `value` is as the file has it, `payload` as it is on the bus."""

    topic: Topic
    name: str
    key: str
    value: dict[str, Any] | None
    ignored: tuple[str, ...]

    @property
    def payload(self) -> bytes | None:
        if self.value is None:
            return None
        return _packed(self.value) if self.topic is SAMPLES else json.dumps(self.value).encode()

    @property
    def message(self) -> Any:
        """Decoded; None for a tombstone."""
        return None if self.payload is None else self.topic.message.decode(self.payload)

    def __str__(self) -> str:
        return f"{self.topic.name}/{self.name}"


def all_examples() -> list[Example]:
    """All of them, topic by topic."""
    return [example for topic in TOPICS for example in examples_of(topic)]


def examples_of(topic: Topic) -> list[Example]:
    """Those of one topic."""
    found = []
    for path in sorted((DIRECTORY / topic.name).glob("*.json")):
        file = json.loads(path.read_text())
        found.append(Example(topic, path.stem, file["key"], file["value"], tuple(file.get("ignored", ()))))
    return found


def _packed(value: dict[str, Any]) -> bytes:
    batch = SampleBatch.of(
        value["source"],
        [Sample(s["series"], instant_from_text(s["time"]), _number(s["value"]), s["type"]) for s in value["samples"]],
        value.get("group"),
    )
    more = {name: field for name, field in value.items() if name not in ("source", "samples", "group")}
    return msgspec.msgpack.encode({**msgspec.msgpack.decode(batch.encode()), **more})


def _number(value: float | str) -> float:
    return STALE if value == "stale" else float(value)
