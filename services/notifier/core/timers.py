"""What is to be done when: each thing at each time once, in the order of the times."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count


class Timers:
    """Times are in ms; a kind says what is to be done, a key with what."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, str, str]] = []
        self._known: set[tuple[int, str, str]] = set()
        self._numbers = count()  # of the same time, the first that was put in comes first

    def put(self, at_ms: int, kind: str, key: str) -> None:
        """It is to be done then."""
        if (at_ms, kind, key) not in self._known:
            self._known.add((at_ms, kind, key))
            heappush(self._heap, (at_ms, next(self._numbers), kind, key))

    def due(self, now_ms: int) -> Iterator[tuple[int, str, str]]:
        """What is to be done by now, with what is put in meanwhile: (ms, kind, key)."""
        while self._heap and self._heap[0][0] <= now_ms:
            at_ms, _, kind, key = heappop(self._heap)
            self._known.discard((at_ms, kind, key))
            yield at_ms, kind, key

    @property
    def next_ms(self) -> int | None:
        """The next time; None if there is none."""
        return self._heap[0][0] if self._heap else None
