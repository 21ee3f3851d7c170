"""How far a partition is done with: everything before has a final outcome."""


class Progress:
    """Offsets of one partition, read in order and settled in any order."""

    def __init__(self, next_offset: int | None) -> None:
        self._next = next_offset
        self._open: dict[int, int] = {}  # offset -> deliveries without an outcome; offsets rise

    @property
    def next_offset(self) -> int | None:
        """Where reading goes on; None at the beginning of the partition."""
        return self._next

    @property
    def committable(self) -> int | None:
        """The offset before which all is settled; None if nothing has been read."""
        return next(iter(self._open), self._next)

    def __len__(self) -> int:
        """Messages that are not settled."""
        return len(self._open)

    def has_read(self, offset: int) -> bool:
        """Whether the message there has been taken before."""
        return self._next is not None and offset < self._next

    def read(self, offset: int, deliveries: int) -> None:
        """The message at `offset` has been read and owes so many deliveries."""
        if deliveries:
            self._open[offset] = deliveries
        self.read_to(offset + 1)

    def read_to(self, next_offset: int) -> None:
        """All before `next_offset` has been read."""
        self._next = next_offset if self._next is None else max(self._next, next_offset)

    def settle(self, offset: int) -> None:
        """One delivery of the message at `offset` has its outcome."""
        left = self._open[offset] - 1
        if left:
            self._open[offset] = left
        else:
            del self._open[offset]
