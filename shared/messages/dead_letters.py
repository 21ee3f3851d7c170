"""`pantau.dead-letters`: messages that could not be processed, with where they were and why."""

from typing import Annotated

from pydantic import Field

from shared.messages.message import Instant, Message


class DeadLetter(Message):
    """A message that was put aside so that the stream goes on; keyed by the original key."""

    id: str
    """Of (topic, partition, offset, consumer): the same if it is put aside again."""
    topic: str
    partition: int
    offset: int
    consumer: str
    """The service that could not process it."""
    error: str
    """The kind of error, e.g. `BadMessage`."""
    reason: Annotated[str, Field(max_length=2_000)]
    at: Instant
    key_base64: str | None = None
    """The original key, its first KiB."""
    value_base64: str | None = None
    """The original bytes; absent for a tombstone or when longer than 256 KiB."""
    value_bytes: int = 0
    headers: dict[str, str] = {}
    """The first 64 of the original headers, each cut at 1 KiB."""
