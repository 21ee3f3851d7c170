"""Sources whose clock is ahead of the broker's: found by samples from the future."""

from collections import OrderedDict

MOST_SOURCES = 10_000


class Clocks:
    """Tells once of each source whose clock is ahead, and once when it is right again."""

    def __init__(self, tolerance_ms: int) -> None:
        self._tolerance_ms = tolerance_ms
        self._ahead: OrderedDict[str, int] = OrderedDict()

    @property
    def ahead(self) -> dict[str, int]:
        """By source: by how much (ms) its newest sample was ahead when it was accepted."""
        return dict(self._ahead)

    def note(self, source: str, newest_ms: int, accepted_ms: int) -> bool | None:
        """A batch was accepted: True if its source's clock has turned out to be ahead, False if it is right again."""
        by = newest_ms - accepted_ms
        known = source in self._ahead
        if by > self._tolerance_ms:
            self._ahead[source] = by
            if len(self._ahead) > MOST_SOURCES:
                self._ahead.popitem(last=False)
            return None if known else True
        if not known:
            return None
        del self._ahead[source]
        return False
