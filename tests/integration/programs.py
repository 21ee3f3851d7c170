"""Services as processes, a Kafka that can be stopped and started again, and what lies on the bus."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

from infra.local import kafka, ports, throwaway_kafka
from infra.local.processes import child
from shared.messages.topics import Topic
from tests.conftest import clean_environment

STOP_SECONDS = 30.0


@contextmanager
def running(module: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module` for as long as the block lasts; then SIGTERM, and it must end with 0 in time."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=clean_environment(**environment), stdout=output, stderr=output
        )
    try:
        yield process
        process.terminate()
        code = process.wait(STOP_SECONDS)
        assert code == 0, f"ended with {code}: {log.read_text()[-5_000:]}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class RestartableKafka:
    """A Kafka at one address, that can be away."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port, controller = ports.free(2)
        self._program = throwaway_kafka.prepare(directory, self._port, controller)
        self.bootstrap = f"127.0.0.1:{self._port}"

    def there(self) -> AbstractContextManager[int]:
        """It is there for as long as the block lasts."""
        return child(self._program, self._directory / "kafka.log", lambda: kafka.answers(self._port))


async def records(bootstrap: str, topic: Topic) -> list[ConsumerRecord[bytes, bytes]]:
    """All records of `topic` that are there now, by partition and offset; none while Kafka or the topic is away."""
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    found: list[ConsumerRecord[bytes, bytes]] = []
    try:
        await consumer.start()
        await consumer.topics()
        partitions = sorted(consumer.assignment())
        ends = await consumer.end_offsets(partitions) if partitions else {}
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                found += (await consumer.getmany(partition, timeout_ms=500)).get(partition, [])
    except KafkaError:
        return []
    finally:
        with suppress(KafkaError):
            await consumer.stop()
    return found


async def page(url: str, **headers: str) -> tuple[int, str]:
    """(status, text) of a page; (0, "") while nobody answers."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.get(url, headers=headers) as response,
        ):
            return response.status, await response.text()
    except (aiohttp.ClientError, TimeoutError):
        return 0, ""
