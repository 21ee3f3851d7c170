"""The AsyncAPI 3 document: channels with Kafka settings, messages with CloudEvents headers, who sends and reads."""

from typing import Any

from shared.messages.topics import TOPICS, Topic

SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
KAFKA_BINDING = "0.5.0"
# Topic settings that the Kafka binding has names for; the others are left to the catalogue.
BINDING_SETTINGS = ("retention.ms", "delete.retention.ms", "max.message.bytes")
SERVICES = {
    "collector": "Readings from the world become samples",
    "health": "Checks become health results and samples",
    "alerting": "Samples and rules become alert events",
    "history": "Everything on the bus goes into the database",
    "notifier": "Alert events reach people and other systems",
    "api": "HTTP: queries, ingestion, rules, live stream",
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
            "compacted topic says that what its key names is over. Anyone may read `pantau.alerts.events` and "
            "`pantau.alerts.state`.",
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": name, "description": text} for name, text in SERVICES.items()],
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:19092",
                "protocol": "kafka",
                "description": "Where `./pantau up` serves Kafka",
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic).items()},
        "components": {
            "messages": {topic.name: _message(topic) for topic in TOPICS},
            "messageTraits": {"cloudEvent": {"headers": _header_schema()}},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    config = topic.broker_config()
    configuration: dict[str, Any] = {"cleanup.policy": [topic.cleanup]}
    configuration |= {name: int(config[name]) for name in BINDING_SETTINGS if name in config}
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"{topic.description}. Key: {topic.key}.",
        "messages": {"message": {"$ref": f"#/components/messages/{topic.name}"}},
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
    return {
        f"{service}.{action}.{topic.name}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic.name}"},
            "summary": f"{service} {'writes' if action == 'send' else 'reads'} {topic.name}",
            "tags": [{"name": service}],
            "messages": [{"$ref": f"#/channels/{topic.name}/messages/message"}],
        }
        for action, service in parts
        if service in SERVICES
    }


def _message(topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.name,
        "title": topic.description,
        "contentType": topic.content_type,
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"./schemas/{topic.name}.json"}},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": KAFKA_BINDING},
        },
    }


def _header_schema() -> dict[str, Any]:
    texts = {
        "ce_id": "The same whenever the same message is sent again",
        "ce_source": "/pantau/SERVICE",
        "ce_type": "The topic's name",
        "content-type": "The payload's media type",
    }
    return {
        "type": "object",
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            **{name: {"type": "string", "description": text} for name, text in texts.items()},
            "ce_time": {"type": "string", "format": "date-time"},
        },
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"],
    }
