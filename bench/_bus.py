"""A Kafka for a benchmark: the embedded one, on a free port, with all of Pantau's topics; gone when the block ends."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.local import kafka, ports
from infra.local.processes import child
from infra.topics import bring_up_to_date


@dataclass(frozen=True)
class Bus:
    """Where it answers, its process, and a directory for what else the benchmark keeps."""

    bootstrap: str
    process: psutil.Process
    directory: Path


@contextmanager
def own_bus() -> Iterator[Bus]:
    """Kafka as `./pantau up` runs it."""
    with tempfile.TemporaryDirectory(prefix="pantau-bench-") as name:
        directory = Path(name)
        broker, controller = ports.free(2)
        program = kafka.prepare(directory / "kafka", broker, controller)
        with child(program, directory / "kafka.log", lambda: kafka.answers(broker), start_seconds=120) as pid:
            bootstrap = f"{ports.LOOPBACK}:{broker}"
            asyncio.run(bring_up_to_date(bootstrap))
            yield Bus(bootstrap, psutil.Process(pid), directory)
