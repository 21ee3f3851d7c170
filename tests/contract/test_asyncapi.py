"""The AsyncAPI document against AsyncAPI's own JSON Schema, and its examples against what it says of them."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from infra.contracts.__main__ import MESSAGES
from tests.node_packages import installed

PACKAGES = Path(__file__).parent / "asyncapi"
DOCUMENT: dict[str, Any] = yaml.safe_load((MESSAGES / "asyncapi.yaml").read_text())
OPEN = ("pantau.alerts.events", "pantau.alerts.state", "pantau.rules.status")


@pytest.fixture(scope="module")
def official() -> Draft7Validator:
    """AsyncAPI's schema of the version that the document names."""
    installed(PACKAGES)
    schemas = PACKAGES / "node_modules" / "@asyncapi" / "specs" / "schemas"
    return Draft7Validator(json.loads((schemas / f"{DOCUMENT['asyncapi']}.json").read_text()))


def test_it_is_what_asyncapi_asks_for(official: Draft7Validator) -> None:
    assert [f"{'.'.join(map(str, one.path))}: {one.message}" for one in official.iter_errors(DOCUMENT)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["operations", "alerting.send.pantau.alerts.events", "action"], "publish"),
        (["channels", "pantau.alerts.state", "bindings", "kafka", "partitions"], 0),
        (["channels", "pantau.alerts.state", "bindings", "kafka", "topicConfiguration", "cleanup.policy"], ["shrink"]),
        (["components", "messages", "pantau.alerts.events", "examples", 0, "value"], {}),
    ],
)
def test_that_schema_sees_mistakes(official: Draft7Validator, path: list[str | int], value: Any) -> None:
    wrong = deepcopy(DOCUMENT)
    node: Any = wrong
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert not official.is_valid(wrong)


@pytest.mark.parametrize("name", OPEN)
def test_whoever_is_no_service_finds_all_that_is_needed_to_read(name: str) -> None:
    channel, message = DOCUMENT["channels"][name], DOCUMENT["components"]["messages"][name]
    operation = DOCUMENT["operations"][f"anyone.receive.{name}"]
    assert [one["$ref"].rpartition("/")[2] for one in operation["messages"]] == list(channel["messages"])
    assert ("tombstone" in channel["messages"]) == (
        channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"] == ["compact"]
    )
    payload = Draft202012Validator(json.loads((MESSAGES / message["payload"]["schema"]["$ref"]).read_text()))
    common, own = message["headers"]["allOf"]
    assert common == {"$ref": "#/components/schemas/cloudEvent"}
    assert len(message["examples"]) >= 2
    for example in message["examples"]:
        payload.validate(example["payload"])
        for headers in (DOCUMENT["components"]["schemas"]["cloudEvent"], own):
            Draft202012Validator(headers).validate(example["headers"])
        if name == "pantau.alerts.events":
            assert example["headers"]["ce_id"] == example["payload"]["id"]
            assert example["headers"]["ce_time"] == example["payload"]["instant"]
