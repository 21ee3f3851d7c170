"""Every example payload is what its topic promises: for its decoder, its schema, and all who read it."""

import base64
import json
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord
from jsonschema import Draft202012Validator

from infra.contracts.schemas import schema_of
from shared.bus.received import decode
from shared.messages.alerts import AlertEvent, CurrentAlert, alert_id, event_id, fingerprint
from shared.messages.notifications import Notification
from shared.messages.topics import NOTIFICATIONS, SAMPLES, TOPICS, Topic
from tests.contract.examples import DIRECTORY, Example, all_examples, examples_of

EXAMPLES = all_examples()
WITH_VALUE = [example for example in EXAMPLES if example.value is not None]


def record(example: Example) -> ConsumerRecord[bytes, bytes]:
    """The example as a Kafka client hands it out."""
    return ConsumerRecord(example.topic.name, 0, 7, 1_795_428_930_041, 1, example.key.encode(), example.payload, None,
                          0, len(example.payload or b""), (("ce_id", b"x"),))  # fmt: skip


def plain(message: Any, topic: Topic) -> Any:
    """What a message holds, as JSON would show it; bytes as base64."""
    if topic is SAMPLES:
        fields = msgspec.msgpack.decode(message.encode())
        return {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for name, value in fields.items()
        }
    return json.loads(message.encode())


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_examples_of_each_kind(topic: Topic) -> None:
    examples = examples_of(topic)
    assert len(examples) >= 3
    assert any(example.ignored for example in examples), "one from a later version"
    assert any(example.value is None for example in examples) == (topic.cleanup == "compact")


def test_there_is_no_example_of_an_unknown_topic() -> None:
    assert {path.name for path in DIRECTORY.iterdir()} == {topic.name for topic in TOPICS}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_it_is_read_from_the_bus(example: Example) -> None:
    received = decode(record(example))
    assert received.key == example.key
    assert received.topic is example.topic
    assert (received.message is None) == (example.value is None)


@pytest.mark.parametrize("example", WITH_VALUE, ids=str)
def test_encoding_it_again_is_stable_and_keeps_all_that_is_known(example: Example) -> None:
    once = example.message.encode()
    assert example.topic.message.decode(once).encode() == once  # type: ignore[attr-defined]
    if example.topic is not SAMPLES:
        missing = sorted(path for path, value in leaves(example.value) if (path, value) not in leaves(json.loads(once)))
        assert missing == sorted(path for path, _ in leaves(example.value) if path.startswith(example.ignored or "\0"))


@pytest.mark.parametrize("example", [one for one in WITH_VALUE if one.topic is SAMPLES], ids=str)
def test_samples_come_out_as_they_went_in(example: Example) -> None:
    assert example.value is not None
    batch = example.message
    assert [sample.series for sample in batch.samples()] == [sample["series"] for sample in example.value["samples"]]
    assert batch.source == example.value["source"]
    assert batch.group == example.value.get("group")
    again = type(batch).decode(batch.encode())
    assert (again.index, again.times, again.values) == (batch.index, batch.times, batch.values)


@pytest.mark.parametrize("example", WITH_VALUE, ids=str)
def test_it_is_valid_against_the_schema(example: Example) -> None:
    validator = Draft202012Validator(schema_of(example.topic), format_checker=Draft202012Validator.FORMAT_CHECKER)
    if example.topic is not SAMPLES:
        validator.validate(example.value)
    validator.validate(plain(example.message, example.topic))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_schema_refuses_what_lacks_a_field_or_has_another_type(topic: Topic) -> None:
    Draft202012Validator.check_schema(schema_of(topic))
    validator = Draft202012Validator(schema_of(topic))
    message = plain(next(one for one in examples_of(topic) if one.value is not None).message, topic)
    for name in schema_of(topic).get("required", []):
        assert not validator.is_valid({key: value for key, value in message.items() if key != name})
    assert not validator.is_valid([message])
    identity = "source" if "source" in message else next(iter(message))
    assert not validator.is_valid({**message, identity: {"another": "type"}})


@pytest.mark.parametrize("example", [one for one in WITH_VALUE if "alerts" in one.topic.name], ids=str)
def test_the_ids_of_alerts_follow_from_what_they_identify(example: Example) -> None:
    message: AlertEvent | CurrentAlert = example.message
    assert message.alert_id == alert_id(message.group, message.rule, message.labels) == example.key
    assert message.fingerprint == fingerprint(message.labels)
    identity, transition = (
        (message.id, message.transition)
        if isinstance(message, AlertEvent)
        else (message.last_event_id, message.last_transition)
    )
    assert identity == event_id(message.alert_id, message.episode, transition)


@pytest.mark.parametrize("example", [one for one in WITH_VALUE if one.topic is NOTIFICATIONS], ids=str)
def test_a_notification_is_keyed_by_its_id(example: Example) -> None:
    message: Notification = example.message
    assert message.id == example.key


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """(path, value) of everything in a JSON value that holds nothing else; instants and numbers in one form."""
    if isinstance(value, dict) and value:
        return [leaf for name, one in value.items() for leaf in leaves(one, f"{path}.{name}" if path else name)]
    if isinstance(value, list) and value:
        return [leaf for number, one in enumerate(value) for leaf in leaves(one, f"{path}.{number}")]
    return [(path, float(value) if type(value) is int else value)]
