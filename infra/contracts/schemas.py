"""JSON Schema 2020-12 of what is on each topic."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from infra.contracts.sample_batch import sample_batch_schema
from shared.messages.samples import SampleBatch
from shared.messages.topics import Topic

DIALECT = GenerateJsonSchema.schema_dialect


def schema_of(topic: Topic) -> dict[str, Any]:
    """The schema of a message's value on `topic`, with what else a reader must know of the topic under `x-topic`."""
    if topic.message is SampleBatch:
        body = sample_batch_schema()
    else:
        assert isinstance(topic.message, type)
        assert issubclass(topic.message, BaseModel)
        body = _as_sent(topic.message.model_json_schema(mode="serialization"))
    title = body.pop("title", topic.name)
    description = body.pop("description", topic.description)
    return {
        "$schema": DIALECT,
        "$id": schema_id(topic),
        "title": title,
        "description": description,
        "x-topic": {
            "name": topic.name,
            "description": topic.description,
            "key": topic.key,
            "cleanup": topic.cleanup,
            "tombstones": topic.cleanup == "compact",
            "partitions": topic.partitions,
            "retention_ms": topic.retention_ms,
            "content_type": topic.content_type,
        },
        **body,
    }


def schema_id(topic: Topic) -> str:
    """The name of the topic's schema."""
    return f"urn:pantau:messages:{topic.name}"


def _as_sent(node: Any) -> Any:
    """`node` without null: what has no value is left out of a message, never sent as null."""
    if isinstance(node, list):
        return [_as_sent(item) for item in node]
    if not isinstance(node, dict):
        return node
    sent = {name: _as_sent(value) for name, value in node.items() if not (name == "default" and value is None)}
    alternatives = sent.get("anyOf")
    if isinstance(alternatives, list) and {"type": "null"} in alternatives:
        left = [one for one in alternatives if one != {"type": "null"}]
        del sent["anyOf"]
        sent = {**left[0], **sent} if len(left) == 1 else {**sent, "anyOf": left}
    if sent.get("format") == "ipvanyaddress":  # pydantic's own word, which JSON Schema does not know
        del sent["format"]
        sent["anyOf"] = [{"format": "ipv4"}, {"format": "ipv6"}]
    return sent
