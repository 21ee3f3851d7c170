"""What can be wrong with routing."""

from collections.abc import Sequence


class BadMatcher(ValueError):
    """A text that is no label matcher; the text says why."""


class BadInterval(ValueError):
    """A time interval that can't be; the text says why."""


class BadRouting(ValueError):
    """A configuration that can't be used; the text has a line `place: reason` for each problem. `problems` are these:
    (place, reason)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{place}: {reason}" for place, reason in problems))
        self.problems = tuple(problems)
