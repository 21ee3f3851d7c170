"""What is on its way: bodies for the api, ready to be sent, in bounded memory."""

import json
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

What = Literal["samples", "requests"]

MOST_PER_PARCEL = 500
LONGEST_BODY = 768 * 1024
"""Bytes; the api takes a MiB."""
KEPT_MS = 3 * 24 * 60 * 60 * 1000 - 10 * 60 * 1000
"""What is older is refused, for the bus keeps three days."""
OVERHEAD = 200
"""Bytes that a parcel takes beside its body, about."""


@dataclass(frozen=True)
class Parcel:
    """One body. `latest_ms` is the time of the newest thing in it, `failures` how often the api failed at it."""

    what: What
    body: bytes
    count: int
    latest_ms: int
    failures: int = 0

    @property
    def size(self) -> int:
        """About how much memory it takes, in bytes."""
        return len(self.body) + OVERHEAD


class Waiting:
    """Parcels in their order; above `most_bytes` the oldest are given up."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._parcels: deque[Parcel] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._parcels)

    def put(self, parcel: Parcel) -> list[Parcel]:
        """Take a parcel; those that had to be given up for it, which may be itself."""
        self._parcels.append(parcel)
        self.bytes += parcel.size
        given_up = []
        while self.bytes > self._most_bytes:
            given_up.append(self.take())
        return given_up

    def first(self) -> Parcel | None:
        """The oldest, which stays."""
        return self._parcels[0] if self._parcels else None

    def take(self) -> Parcel:
        """The oldest, which is gone then. IndexError if there is none."""
        parcel = self._parcels.popleft()
        self.bytes -= parcel.size
        return parcel

    def replace(self, *parcels: Parcel) -> None:
        """Put these in the place of the oldest."""
        self.take()
        self._parcels.extendleft(reversed(parcels))
        self.bytes += sum(parcel.size for parcel in parcels)


def packed(what: What, items: Sequence[dict[str, Any]], source: str) -> Iterator[Parcel]:
    """Parcels of `items`, each of at most 500 and LONGEST_BODY bytes; an item that is longer by itself goes alone, for
    the api to refuse."""
    part: list[str] = []
    latest_ms, size = 0, 0
    for item in items:
        text = json.dumps(item, separators=(",", ":"), allow_nan=False)
        if part and (len(part) == MOST_PER_PARCEL or size + len(text) > LONGEST_BODY):
            yield _parcel(what, part, source, latest_ms)
            part, size = [], 0
        latest_ms = max(latest_ms, item["timestamp"]) if part else item["timestamp"]
        part.append(text)
        size += len(text) + 1
    if part:
        yield _parcel(what, part, source, latest_ms)


def without(parcel: Parcel, refused: Collection[int]) -> Parcel | None:
    """The parcel without the items at these places; None if nothing is left."""
    items, source = _unpacked(parcel)
    kept = [item for number, item in enumerate(items) if number not in refused]
    return next(packed(parcel.what, kept, source), None)


def halves(parcel: Parcel) -> list[Parcel]:
    """The parcel as two; as it is if it holds one thing."""
    items, source = _unpacked(parcel)
    middle = len(items) // 2
    return [one for part in (items[:middle], items[middle:]) for one in packed(parcel.what, part, source)]


def _parcel(what: What, part: list[str], source: str, latest_ms: int) -> Parcel:
    listed = f"[{','.join(part)}]"
    body = listed if what == "samples" else f'{{"source":{json.dumps(source)},"requests":{listed}}}'
    return Parcel(what, body.encode(), len(part), latest_ms)


def _unpacked(parcel: Parcel) -> tuple[list[dict[str, Any]], str]:
    found = json.loads(parcel.body)
    return (found, "") if parcel.what == "samples" else (found["requests"], found["source"])
