"""What can be wrong with a rule."""

from collections.abc import Sequence


class BadRule(ValueError):
    """A rule that can't be taken; the text names the place and the reason. `problems` are these, where there may be
    several: (place, reason)."""

    def __init__(self, text: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)
