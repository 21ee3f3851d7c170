"""A connected Kafka producer, and how it is ended for certain."""

import asyncio
import sys
from functools import partial

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.codec import lz4_encode
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.record.default_records import DefaultRecordBatchBuilder

log = structlog.get_logger()

# aiokafka compresses at lz4's level 9 and leaves no choice: six times the CPU of level 1, for a tenth less on the wire.
QUICK_LEVEL = 1
sys.modules[DefaultRecordBatchBuilder.__module__].lz4_encode = partial(lz4_encode, level=QUICK_LEVEL)  # type: ignore[attr-defined]

MOST_BYTES = 2 * 1024 * 1024
"""The longest message, key and headers included."""
ABANDON_SECONDS = 1.0


async def connect(bootstrap: str) -> AIOKafkaProducer:
    """A producer that waits for all replicas and is idempotent. Tries with back-off for as long as the bus is away."""
    pause = 0.1
    while True:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_request_size=MOST_BYTES,
            request_timeout_ms=10_000,
            retry_backoff_ms=100,
        )
        try:
            await producer.start()
        except KafkaError as error:
            log.info("bus is not reachable yet", bootstrap=bootstrap, error=str(error))
            await close(producer, seconds=0)
        except BaseException:  # cancelled while connecting: what is half open is closed
            await close(producer, seconds=0)
            raise
        else:
            return producer
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2.0)


async def close(producer: AIOKafkaProducer, seconds: float) -> None:
    """Let `producer` send what is under way for `seconds`, then end it with all that it still holds.

    aiokafka's own `stop` waits for as long as the bus is away, and when cut short it leaves the sending task alive:
    that would deliver its messages when the bus is back, behind newer ones of the producer that replaced it.
    """
    stopping = asyncio.create_task(producer.stop())
    try:
        await asyncio.wait([stopping], timeout=seconds)
    finally:
        if not stopping.done():
            await _abandon(producer)
            stopping.cancel()
            await asyncio.wait([stopping], timeout=ABANDON_SECONDS)
    if stopping.done() and not stopping.cancelled() and (error := stopping.exception()):
        log.info("bus producer did not close cleanly", error=repr(error))


async def _abandon(producer: AIOKafkaProducer) -> None:
    sending = producer._sender.sender_task
    if sending is not None:
        sending.cancel()
    # Whoever waits for a message hears of it now.
    producer._message_accumulator.fail_all(ProducerClosed())
    # Requests under way end with an error once their connections are closed; the sending task waits for them.
    closing = asyncio.create_task(producer.client.close())
    await asyncio.wait([closing, *([sending] if sending is not None else [])], timeout=ABANDON_SECONDS)
    if sending is not None and not sending.done():
        sending.cancel()
        await asyncio.wait([sending], timeout=ABANDON_SECONDS)
    if not closing.done():
        closing.cancel()
