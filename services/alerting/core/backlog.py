"""How long samples are kept for groups that wait: for what other groups make, or for history.

After an outage the router takes up all that was accepted meanwhile, and only then what groups have made of it: a group
that reads others' outputs gets the first of them when time has long moved on, and needs the samples of the whole outage
then. They are kept as long as there are not too many of them, and for an hour in any case.

Counted is what was folded, so that the same log lets go of the same.
"""

from collections import deque
from collections.abc import Iterable

KEPT_ANYHOW_MS = 60 * 60_000
# A week of minutes: more than the bus keeps.
MOST_STRETCHES = 7 * 24 * 60
_NEVER = -(2**62)


class Backlog:
    """How many samples were folded in each of the latest stretches of event time."""

    def __init__(self, most_samples: int, stretches: Iterable[tuple[int, int]] = (), open_samples: int = 0) -> None:
        self._most_samples = most_samples
        self._stretches = deque(stretches)
        """When each ended, and how many samples came in it; the oldest first."""
        self._samples = sum(samples for _, samples in self._stretches)
        self.open_samples = open_samples
        """Those since the last stretch."""

    @property
    def stretches(self) -> list[tuple[int, int]]:
        """To be kept."""
        return list(self._stretches)

    def note(self, samples: int) -> None:
        """So many samples were stored."""
        self.open_samples += samples

    def end_stretch(self, now_ms: int, needed_ms: int) -> int:
        """A stretch ends now; nobody needs samples up to `needed_ms`. Up to when samples are let go even if somebody
        still waits for their turn."""
        let_go_ms = _NEVER
        if len(self._stretches) == MOST_STRETCHES:
            let_go_ms = self._drop_oldest()
        self._stretches.append((now_ms, self.open_samples))
        self._samples += self.open_samples
        self.open_samples = 0
        while self._stretches[0][0] <= needed_ms or (
            self._samples > self._most_samples and self._stretches[0][0] <= now_ms - KEPT_ANYHOW_MS
        ):
            let_go_ms = self._drop_oldest()
            if not self._stretches:
                break
        return let_go_ms

    def _drop_oldest(self) -> int:
        end_ms, samples = self._stretches.popleft()
        self._samples -= samples
        return end_ms
