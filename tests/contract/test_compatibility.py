"""Which changes of a schema the check lets pass, and how it names those that would break a reader."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from infra.contracts import __main__ as command
from infra.contracts.compatibility import breaks
from infra.contracts.schemas import schema_of
from shared.messages.message import Instant, Message, Number
from shared.messages.topics import RULES, TOPICS


class Inner(Message):
    name: str
    weight: int | None = None


class Before(Message):
    id: str
    state: Literal["open", "closed"]
    count: int
    limit: Annotated[int, Field(ge=0, le=100)] = 0
    at: Instant | None = None
    parts: list[Inner] = []
    labels: dict[str, str] = {}


def schema(kind: type[Message]) -> dict[str, Any]:
    return kind.model_json_schema(mode="serialization")


def changed(**fields: Any) -> dict[str, Any]:
    """The schema of a later `Before`: `name=(type, default)`, with `...` for none, or `name=None` for one that went."""
    known = {name: (field.annotation, field) for name, field in Before.model_fields.items()}
    kept = {name: one for name, one in (known | fields).items() if one is not None}
    namespace = {"__annotations__": {name: kind for name, (kind, _) in kept.items()}, "__module__": __name__}
    for name, (_, default) in kept.items():
        if default is not ...:
            namespace[name] = default
    return schema(type("Before", (Message,), namespace))


class LaterInner(Message):
    name: str
    weight: int | None = None
    colour: str = "grey"


class PoorerInner(Message):
    name: str


ALLOWED = {
    "nothing": changed(),
    "a new optional field": changed(note=(str | None, None)),
    "a new field with a default": changed(note=(str, "")),
    "a new optional field further in": changed(parts=(list[LaterInner], [])),
}
BREAKING = {
    "count: is gone": changed(count=None),
    "note: is new and required": changed(note=(str, ...)),
    "count: was always there, now may be missing": changed(count=(int, 0)),
    "at: is required now": changed(at=(Instant, ...)),
    "count: type was 'integer', is 'string'": changed(count=(str, ...)),
    "count: type was 'integer', is 'number'": changed(count=(float, ...)),
    "state: value 'ajar' is new": changed(state=(Literal["open", "closed", "ajar"], ...)),
    "state: value 'mended' is new": changed(state=(Literal["open", "mended"], ...)),
    "limit: maximum was 100, is 50": changed(limit=(Annotated[int, Field(ge=0, le=50)], 0)),
    "limit: maximum was 100, is None": changed(limit=(Annotated[int, Field(ge=0)], 0)),
    "limit: default was 0, is 1": changed(limit=(Annotated[int, Field(ge=0, le=100)], 1)),
    "parts[].weight: is gone": changed(parts=(list[PoorerInner], [])),
    "labels: type was 'string', is 'integer'": changed(labels=(dict[str, int], {})),
    "count: type was 'integer', is None": changed(count=(Number, ...)),
}


@pytest.mark.parametrize("change", ALLOWED)
def test_what_neither_reader_notices_is_allowed(change: str) -> None:
    assert breaks(schema(Before), ALLOWED[change]) == []


@pytest.mark.parametrize("reason", BREAKING)
def test_what_breaks_a_reader_is_named(reason: str) -> None:
    assert any(found.startswith(reason) for found in breaks(schema(Before), BREAKING[reason])), breaks(
        schema(Before), BREAKING[reason]
    )


def test_a_value_that_went_is_named_too() -> None:
    later = changed(state=(Literal["open"], ...))
    assert any("'closed'" in found for found in breaks(schema(Before), later))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_schema_does_not_break_itself_and_other_words_break_nobody(topic: Any) -> None:
    now = schema_of(topic)
    reworded = json.loads(json.dumps(now).replace('"description": "', '"description": "In other words: '))
    assert reworded != now
    assert breaks(now, reworded) == []


def test_a_new_kind_of_rule_breaks_those_who_know_two() -> None:
    now = schema_of(RULES)
    later = deepcopy(now)
    later["properties"]["rules"]["items"]["oneOf"].append({"type": "object"})
    assert breaks(now, later) == ["rules[]: 2 alternatives were possible, now 3"]


@pytest.mark.parametrize(
    ("fact", "value"), [("key", "x"), ("cleanup", "delete"), ("partitions", 12), ("content_type", "text/plain")]
)
def test_facts_of_the_topic_are_part_of_the_contract(fact: str, value: Any) -> None:
    now = schema_of(RULES)
    later = {**now, "x-topic": {**now["x-topic"], fact: value}}
    assert [found.startswith(f"the topic's {fact} was") for found in breaks(now, later)] == [True]


def test_the_command_shows_what_differs_and_what_would_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = command.generated()
    health = next(path for path in files if path.name == "pantau.health.json")
    text = files[health].replace('"healthy",', '"healthy",\n        "asleep",').replace('      "kind",\n', "")
    monkeypatch.setattr(command, "generated", lambda: {**files, health: text})
    monkeypatch.setattr("sys.argv", ["contracts", "--check"])
    monkeypatch.setattr(
        command, "earlier_schemas", lambda _: {"the last commit": {health.name: json.loads(files[health])}}
    )
    assert command.main() == 1
    told = capsys.readouterr().err
    assert "shared/messages/schemas/pantau.health.json is not what the code says; `./pantau contracts`" in told
    assert '+        "asleep",' in told
    assert "pantau.health: status: value 'asleep' is new" in told


def test_a_topic_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    files = command.generated()
    audit = next(path for path in files if path.name == "pantau.audit.json")
    monkeypatch.setattr(
        command, "earlier_schemas", lambda _: {"release v1.0.0": {audit.name: json.loads(files[audit])}}
    )
    (found,) = command.broken({path: text for path, text in files.items() if path != audit})
    assert found.startswith("pantau.audit: the topic is gone. This breaks readers of release v1.0.0")
