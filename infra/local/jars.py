"""Kafka's jars: downloaded once through jgo, checked against the hashes in `kafka-jars.lock`, kept in the cache.

`python -m infra.local.jars` writes the lock anew from Kafka's own dependencies: to be run when `KAFKA` changes.
"""

import hashlib
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import jgo
import requests
from jgo.maven import MavenContext

from infra.local.errors import LocalStackError
from infra.local.places import cache_directory

KAFKA = "org.apache.kafka:kafka_2.13:4.4.0"
# Kafka logs through slf4j and leaves it to the distribution to bind that to log4j.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"
LOCK = Path(__file__).with_name("kafka-jars.lock")
DOWNLOADS_AT_ONCE = 8
TIMEOUT_SECONDS = 30

Progress = Callable[[int, int], None]
"""Called with (jars that are there, jars in all)."""


@dataclass(frozen=True)
class Jar:
    """A jar by its Maven coordinates, and the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path_in_repository(self) -> Path:
        """Where Maven's repository layout puts it."""
        return Path(*self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar")


def read_lock(text: str) -> list[Jar]:
    """The jars of a lock file: a line each, `group:artifact:version sha256:HEX`; `#` begins a comment."""
    jars = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            coordinates, digest = line.split()
            group, artifact, version = coordinates.split(":")
            jars.append(Jar(group, artifact, version, digest.removeprefix("sha256:")))
    return jars


def class_path(progress: Progress = lambda there, of: None, cache: Path | None = None) -> str:
    """Kafka's class path, after downloading what is missing. LocalStackError when that does not succeed."""
    jars = read_lock(LOCK.read_text())
    repository = (cache or cache_directory()) / "jars"
    missing = [jar for jar in jars if not (repository / jar.path_in_repository).exists()]
    if missing:
        _download(missing, repository, lambda done: progress(len(jars) - len(missing) + done, len(jars)))
    return ":".join(str(repository / jar.path_in_repository) for jar in jars)


def _download(jars: list[Jar], repository: Path, progress: Callable[[int], None]) -> None:
    progress(0)
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        downloads = [pool.submit(_fetch, jar, repository) for jar in jars]
        try:
            for done, download in enumerate(as_completed(downloads), start=1):
                download.result()
                progress(done)
        except (requests.RequestException, RuntimeError, OSError) as error:
            pool.shutdown(cancel_futures=True)
            raise LocalStackError(
                f"Downloading Apache Kafka's jars from Maven Central failed ({_brief(error)}). Check this machine's "
                f"network, then run the same command again: what has arrived is kept in {repository}."
            ) from error


def _fetch(jar: Jar, repository: Path) -> None:
    """Download into a place beside the repository and move the jar in once its hash is right, so that an interrupted
    download, or two at the same time, never leave a broken jar."""
    destination = repository / jar.path_in_repository
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=repository, prefix=".download-") as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=TIMEOUT_SECONDS)
        path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != jar.sha256:
            raise RuntimeError(f"{path.name} has SHA-256 {found}, expected {jar.sha256}")
        path.replace(destination)


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"


def _write_lock() -> None:
    """Resolve Kafka's dependencies and note each jar's hash."""
    resolved = {str(artifact.component): artifact for root in (KAFKA, LOGGING) for artifact in jgo.resolve(root)}
    chosen = {(a.groupId, a.artifactId): a for a in resolved.values()}
    lines = []
    for (group, name), artifact in sorted(chosen.items()):
        digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
        lines.append(f"{group}:{name}:{artifact.version} sha256:{digest}\n")
    LOCK.write_text("# Apache Kafka with its dependencies; written by `python -m infra.local.jars`.\n" + "".join(lines))


if __name__ == "__main__":
    _write_lock()
