"""A message as it came from the bus, and what happens to one that can't be read."""

import base64
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from prometheus_client import Counter

from shared import clock
from shared.bus.producer import BusUnavailable, Outgoing, Producer, ProducerStopped
from shared.messages.dead_letters import DeadLetter
from shared.messages.message import BadMessage, content_id
from shared.messages.topics import BY_NAME, DEAD_LETTERS, Topic

log = structlog.get_logger()

RECEIVED = Counter("pantau_bus_messages_received_total", "Messages read from the bus", ["topic"])
DEAD = Counter(
    "pantau_bus_dead_letters_total", "Messages put aside because they can't be processed", ["topic", "error"]
)

# A dead letter must itself fit on the bus, whatever it is about.
LONGEST_VALUE = 256 * 1024
LONGEST_KEY = 1024
LONGEST_HEADER = 1024
MOST_HEADERS = 64


@dataclass(frozen=True, slots=True)
class Received:
    """A decoded message with its place. `message` None is a tombstone; `accepted_ms` is the broker's clock."""

    topic: Topic
    partition: int
    offset: int
    accepted_ms: int
    key: str
    message: Any
    headers: dict[str, bytes]
    record: ConsumerRecord[bytes, bytes] | None = field(default=None, repr=False, compare=False)
    """As it was on the bus, for a reader that finds only later that it can't process it."""


def decode(record: ConsumerRecord[bytes, bytes]) -> Received:
    """The message in a Kafka record. BadMessage if it is not what its topic promises."""
    topic = BY_NAME[record.topic]
    try:
        key = (record.key or b"").decode()
    except UnicodeDecodeError as error:
        raise BadMessage(f"key is not UTF-8: {error.reason}") from error
    if record.value is None and topic.cleanup != "compact":
        raise BadMessage("no value: tombstones belong to compacted topics only")
    return Received(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        accepted_ms=record.timestamp,
        key=key,
        message=None if record.value is None else topic.message.decode(record.value),
        headers={name: header or b"" for name, header in record.headers},
        record=record,
    )


def dead_letter(record: ConsumerRecord[bytes, bytes], consumer: str, error: Exception, now_ms: int) -> DeadLetter:
    """What is put on `pantau.dead-letters` for `record`."""
    value = record.value
    return DeadLetter(
        id=content_id(record.topic, str(record.partition), str(record.offset), consumer),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        consumer=consumer,
        error=type(error).__name__,
        reason=(str(error) or type(error).__name__)[:2_000],
        at=now_ms,
        key_base64=None if record.key is None else base64.b64encode(record.key[:LONGEST_KEY]).decode(),
        value_base64=None if value is None or len(value) > LONGEST_VALUE else base64.b64encode(value).decode(),
        value_bytes=len(value or b""),
        headers={
            name[:LONGEST_HEADER]: (header or b"")[:LONGEST_HEADER].decode(errors="replace")
            for name, header in record.headers[:MOST_HEADERS]
        },
    )


class Reader:
    """Decodes records; what can't be decoded goes to the dead letters before anything after it is handed on."""

    def __init__(self, consumer: str, producer: Producer) -> None:
        self._consumer, self._producer = consumer, producer

    async def read(self, records: list[ConsumerRecord[bytes, bytes]]) -> list[Received]:
        """The decodable ones of `records`, in order."""
        received = []
        for record in records:
            RECEIVED.labels(record.topic).inc()
            try:
                received.append(decode(record))
            except BadMessage as error:
                await self._put_aside_for_certain(record, error)
        return received

    async def _put_aside_for_certain(self, record: ConsumerRecord[bytes, bytes], error: BadMessage) -> None:
        """However long the bus is away: the position is past this record already, and with it those read after it."""
        while True:
            try:
                return await self.put_aside(record, error)
            except ProducerStopped:
                raise
            except BusUnavailable as unavailable:
                log.warning("dead letter not sent yet", reason=str(unavailable))

    async def put_aside(self, record: ConsumerRecord[bytes, bytes], error: Exception) -> None:
        """Send `record` to the dead letters and wait until it is there."""
        letter = dead_letter(record, self._consumer, error, clock.now_ms())
        DEAD.labels(record.topic, letter.error).inc()
        log.warning(
            "message put aside as dead letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            error=letter.error,
            reason=letter.reason,
        )
        key = (record.key or b"")[:LONGEST_KEY].decode(errors="replace")
        await self._producer.send(Outgoing(DEAD_LETTERS, key, letter, letter.id))
