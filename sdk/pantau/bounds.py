"""Label values that come from outside, bounded in number: a client can invent paths and methods, but not series."""

OTHER = "other"


class BoundedValues:
    """Lets the first `most` values through; what comes after them is `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """`value`, or `other` if there are too many already."""
        if value in self._known:
            return value
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(value)
        return value
