"""CloudEvents 1.0 attributes as Kafka headers (binary content mode)."""

from collections.abc import Mapping

from shared.messages.message import instant_to_text
from shared.messages.topics import Topic

Headers = list[tuple[str, bytes]]


def headers(topic: Topic, event_id: str, source: str, time_ms: int) -> Headers:
    """The headers of a message of `topic`. `event_id` must be the same whenever the same message is sent again."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", f"/pantau/{source}".encode()),
        ("ce_type", topic.ce_type.encode()),
        ("ce_time", instant_to_text(time_ms).encode()),
        ("content-type", topic.content_type.encode()),
    ]


def attributes(kafka_headers: Mapping[str, bytes]) -> dict[str, str]:
    """The CloudEvents attributes among a message's headers, without their prefix."""
    return {
        name.removeprefix("ce_"): value.decode(errors="replace")
        for name, value in kafka_headers.items()
        if name.startswith("ce_")
    }
