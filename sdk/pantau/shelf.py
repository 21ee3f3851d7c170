"""Where the application's threads leave things for the background thread: bounded, and nobody waits."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """Holds `most` things; above that the oldest are given up, and counted. `call` is called when `many` lie there."""

    def __init__(self, most: int, many: int, call: Callable[[], None]) -> None:
        self._most, self._many, self._call = most, many, call
        self._lock = threading.Lock()
        self._items: deque[T] = deque()
        self._lost = 0

    def put(self, item: T) -> None:
        """Leave one thing."""
        with self._lock:
            if len(self._items) >= self._most:
                self._items.popleft()
                self._lost += 1
            self._items.append(item)
            call = len(self._items) == self._many
        if call:
            self._call()

    def clear(self) -> tuple[deque[T], int]:
        """What lies there, oldest first, and how many were given up since the last time."""
        with self._lock:
            items, lost = self._items, self._lost
            self._items, self._lost = deque(), 0
        return items, lost
