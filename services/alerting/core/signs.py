"""Signs of life of collectors between two markers.

Not the latest alone: a router that catches up tells of minutes and hours at once, and each instant in them must be
known to have been watched.
"""

from services.alerting.core.inputs import Sign

SPACING_MS = 1_000
MOST_SIGNS = 10_000


class Signs:
    """Of each source at most one a second, of the bus's time and of its samples' own, and the latest in any case."""

    def __init__(self) -> None:
        self._signs: list[Sign] = []
        self._latest: dict[str, int] = {}
        """By source, the place of its latest sign."""
        self._begun: dict[str, Sign] = {}
        """By source, the first of the signs that its latest one stands for."""

    def __len__(self) -> int:
        return len(self._signs)

    def note(self, sign: Sign) -> None:
        """A collector's batch was routed."""
        place, begun = self._latest.get(sign.source), self._begun.get(sign.source)
        if place is not None and (begun is None or _near(begun, sign) or len(self._signs) >= MOST_SIGNS):
            self._signs[place] = sign
        elif len(self._signs) < MOST_SIGNS:
            self._latest[sign.source], self._begun[sign.source] = len(self._signs), sign
            self._signs.append(sign)

    def take(self) -> list[Sign]:
        """All of them, to be told with a marker."""
        taken, self._signs = self._signs, []
        self._latest.clear()
        self._begun.clear()
        return taken


def _near(begun: Sign, sign: Sign) -> bool:
    # What a collector held back comes in a moment, but each batch is a sign of another time.
    return (
        sign.accepted_ms < begun.accepted_ms + SPACING_MS
        and abs(min(sign.newest_ms, sign.accepted_ms) - min(begun.newest_ms, begun.accepted_ms)) < SPACING_MS
    )
