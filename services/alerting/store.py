"""Where the snapshots of a partition are: a key-value table whose writes are durable once awaited."""

from collections.abc import Iterator
from typing import Protocol

from services.alerting.core.snapshots import LARGEST_CHUNK

MANIFEST = "manifest"


class Store(Protocol):
    """The table, as owners use it."""

    def read(self, partition: int) -> dict[str, bytes]:
        """All that is stored for a partition."""
        ...

    async def write(self, partition: int, entries: dict[str, bytes | None]) -> None:
        """Store (None: delete) in this order, and wait until it is durable."""
        ...


def portions(chunks: dict[str, bytes]) -> Iterator[dict[str, bytes | None]]:
    """Chunks by about one chunk's size: what else is to be sent finds a place between them."""
    portion: dict[str, bytes | None] = {}
    size = 0
    for key, chunk in chunks.items():
        if portion and size + len(chunk) > LARGEST_CHUNK:
            yield portion
            portion, size = {}, 0
        portion[key] = chunk
        size += len(chunk)
    if portion:
        yield portion
