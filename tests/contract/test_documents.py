"""The generated documents: what is committed is what the code says, and what the catalogue says is in them.

That the AsyncAPI document is one is in test_asyncapi.py.
"""

import json
import re
from typing import Any

import pytest
import yaml

from infra.contracts.__main__ import MESSAGES, differences, generated
from infra.contracts.asyncapi import PARTIES, document
from shared.messages.cloudevents import headers
from shared.messages.topics import HEALTH, TOPICS
from tests.contract.examples import examples_of

DOCUMENT: dict[str, Any] = yaml.safe_load((MESSAGES / "asyncapi.yaml").read_text())


def test_the_committed_files_are_what_the_code_says() -> None:
    assert differences(generated()) == []


def test_generating_twice_gives_the_same_bytes_and_no_date() -> None:
    assert generated() == generated()
    dates = {date for text in generated().values() for date in re.findall(r"20\d\d-\d\d-\d\d(?!/schema)", text)}
    assert dates == {"2026-11-23"}, "when the examples play"


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        if reference.startswith("./"):
            assert json.loads((MESSAGES / reference).read_text())["$id"].startswith("urn:pantau:messages:")
        else:
            node: Any = DOCUMENT
            for step in reference.removeprefix("#/").split("/"):
                node = node[step]
            assert isinstance(node, dict)


def test_it_says_of_each_topic_what_the_catalogue_says() -> None:
    assert list(DOCUMENT["channels"]) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        kafka = DOCUMENT["channels"][topic.name]["bindings"]["kafka"]
        assert kafka["partitions"] == topic.partitions
        assert kafka["topicConfiguration"].get("retention.ms") == topic.retention_ms
        operations = {name for name in DOCUMENT["operations"] if name.split(".", 2)[2] == topic.name}
        assert operations == {f"{party}.send.{topic.name}" for party in topic.producers} | {
            f"{party}.receive.{topic.name}" for party in topic.consumers if party in PARTIES
        }
        assert ("tombstone" in DOCUMENT["channels"][topic.name]["messages"]) == (topic.cleanup == "compact")


def test_its_headers_are_those_that_are_sent() -> None:
    schema = document("1")["components"]["schemas"]["cloudEvent"]
    sent = [name for name, _ in headers(HEALTH, "x", "test", 0)]
    assert sorted(sent) == sorted(schema["required"]) == sorted(schema["properties"])


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_examples_are_what_a_schema_reader_would_find(topic: Any) -> None:
    schema = json.loads((MESSAGES / "schemas" / f"{topic.name}.json").read_text())
    assert schema["x-topic"]["tombstones"] == any(example.value is None for example in examples_of(topic))


def references(node: Any) -> list[str]:
    """Every `$ref` in a document."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [one for value in node.values() for one in references(value)]
    if isinstance(node, list):
        return [one for value in node for one in references(value)]
    return []
