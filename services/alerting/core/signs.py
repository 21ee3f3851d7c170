"""Signs of life of collectors between two markers.

Not the latest alone: a router that catches up tells of minutes and hours at once, and each instant in them must be
known to have been watched.
"""

from services.alerting.core.inputs import Sign

SPACING_MS = 1_000
MOST_SIGNS = 10_000


class Signs:
    """At most one a second of each source, the latest in any case."""

    def __init__(self) -> None:
        self._signs: list[Sign] = []
        self._latest: dict[str, int] = {}
        """By source, the place of its latest sign."""
        self._begun: dict[str, int] = {}
        """By source, when the broker had the first of the signs that its latest one stands for."""

    def __len__(self) -> int:
        return len(self._signs)

    def note(self, sign: Sign) -> None:
        """A collector's batch was routed."""
        place = self._latest.get(sign.source)
        if place is not None and sign.accepted_ms < self._begun[sign.source] + SPACING_MS:
            self._signs[place] = sign
        elif len(self._signs) < MOST_SIGNS:
            self._latest[sign.source], self._begun[sign.source] = len(self._signs), sign.accepted_ms
            self._signs.append(sign)
        elif place is not None:
            self._signs[place] = sign

    def take(self) -> list[Sign]:
        """All of them, to be told with a marker."""
        taken, self._signs = self._signs, []
        self._latest.clear()
        self._begun.clear()
        return taken
