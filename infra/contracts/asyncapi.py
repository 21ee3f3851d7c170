"""The AsyncAPI 3 document: channels with Kafka settings, messages with CloudEvents headers, who sends and reads."""

import json
from typing import Any

from infra.contracts.committed import PROJECT
from infra.contracts.schemas import schema_of
from shared.messages.cloudevents import headers
from shared.messages.message import content_id, instant_from_text
from shared.messages.topics import TOPICS, Topic

EXAMPLES = PROJECT / "shared" / "messages" / "examples"

SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
KAFKA_BINDING = "0.5.0"
# Topic settings that the Kafka binding has names for; the others are left to the catalogue.
BINDING_SETTINGS = ("retention.ms", "min.compaction.lag.ms", "delete.retention.ms", "max.message.bytes")
TOMBSTONE = "tombstone"
ANYONE = "anyone"
# Where an example's CloudEvents time comes from: what happened then, or when it was said.
INSTANTS = ("instant", "since", "told_at")
PARTIES = {
    "collector": "Readings from the world become samples",
    "health": "Checks become health results and samples",
    "alerting": "Samples and rules become alert events",
    "history": "Everything on the bus goes into the database",
    "notifier": "Alert events reach people and other systems",
    "api": "HTTP: queries, ingestion, rules, live stream",
    ANYONE: "Other systems, which may rely on these topics: docs/subscribe.md",
}


def document(version: str) -> dict[str, Any]:
    """The whole document; `version` is the product's."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Pantau",
            "version": version,
            "description": "The topics of Pantau. Messages carry CloudEvents 1.0 attributes as Kafka headers (binary "
            "mode). Schemas only grow: ignore fields that you do not know. A tombstone (a message without value) on a "
            "compacted topic says that what its key names is over. Other systems may rely on the topics that `anyone` "
            "receives; how to read `pantau.alerts.events` and `pantau.alerts.state` together is in docs/subscribe.md.",
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": name, "description": text} for name, text in PARTIES.items()],
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:19092",
                "protocol": "kafka",
                "description": "Where `./pantau up` serves Kafka: plain text, without authentication",
            },
            "compose": {
                "host": "kafka:9092",
                "protocol": "kafka",
                "description": "Where docker-compose.yml serves Kafka, on its network `bus`",
            },
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic).items()},
        "components": {
            "schemas": {"cloudEvent": _header_schema()},
            "messages": {topic.name: _message(topic) for topic in TOPICS} | {TOMBSTONE: _tombstone()},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    config = topic.broker_config()
    configuration: dict[str, Any] = {"cleanup.policy": [topic.cleanup]}
    configuration |= {name: int(config[name]) for name in BINDING_SETTINGS if name in config}
    messages = {"message": topic.name, **({TOMBSTONE: TOMBSTONE} if topic.cleanup == "compact" else {})}
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"{topic.description}. Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{one}"} for name, one in messages.items()},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _operations(topic: Topic) -> dict[str, Any]:
    parts = [("send", name) for name in topic.producers] + [("receive", name) for name in topic.consumers]
    messages = _channel(topic)["messages"]
    return {
        f"{party}.{action}.{topic.name}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic.name}"},
            "summary": f"{party} {_verb(party, action)} {topic.name}",
            "tags": [{"name": party}],
            "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in messages],
        }
        for action, party in parts
        if party in PARTIES
    }


def _verb(party: str, action: str) -> str:
    if action == "send":
        return "writes"
    return "may read" if party == ANYONE else "reads"


def _message(topic: Topic) -> dict[str, Any]:
    schema = schema_of(topic)
    examples = _examples(topic) if ANYONE in topic.consumers else []
    return {
        "name": topic.name,
        "title": topic.description,
        "description": schema["description"],
        "contentType": topic.content_type,
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/cloudEvent"},
                {
                    "type": "object",
                    "properties": {"ce_type": {"const": topic.ce_type}, "content-type": {"const": topic.content_type}},
                },
            ]
        },
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"./schemas/{topic.name}.json"}},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": KAFKA_BINDING},
        },
        **({"examples": examples} if examples else {}),
    }


def _tombstone() -> dict[str, Any]:
    return {
        "name": TOMBSTONE,
        "title": "A message without value: what its key names is over",
        "description": "On compacted topics. It has the key and the headers of the topic's other messages.",
        "headers": {"$ref": "#/components/schemas/cloudEvent"},
        "payload": {"type": "null"},
    }


def _examples(topic: Topic) -> list[dict[str, Any]]:
    """The payloads that the topic's readers are tested with, as today's version sends them, with their headers."""
    found = []
    for path in sorted((EXAMPLES / topic.name).glob("*.json")):
        file = json.loads(path.read_text())
        value = file["value"]
        if value is None or "ignored" in file:
            continue
        identity = value.get("id") or content_id(topic.name, file["key"], json.dumps(value))
        instant = next(value[name] for name in INSTANTS if name in value)
        sent = headers(topic, identity, topic.producers[0], instant_from_text(instant))
        found.append(
            {
                "name": path.stem,
                "summary": file["about"],
                "headers": {name: text.decode() for name, text in sent},
                "payload": value,
            }
        )
    return found


def _header_schema() -> dict[str, Any]:
    texts = {
        "ce_id": "The same whenever the same message is sent again; on compacted topics not of use to drop doubles, "
        "since equal messages have equal ids however much later they are sent",
        "ce_source": "/pantau/SERVICE",
        "ce_type": "The topic's name",
        "content-type": "The payload's media type",
    }
    return {
        "type": "object",
        "description": "CloudEvents 1.0 attributes, in Kafka's binary mode: UTF-8 text",
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            **{name: {"type": "string", "description": text} for name, text in texts.items()},
            "ce_time": {
                "type": "string",
                "format": "date-time",
                "description": "When that happened which the message tells of; where it tells of no instant, when it "
                "was sent",
            },
        },
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"],
    }
