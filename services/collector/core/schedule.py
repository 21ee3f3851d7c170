"""When a source is read first, and next."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shared.grid import instants_passed, next_on_grid


@dataclass(frozen=True)
class Pace:
    """How often a source is read, in seconds: every `interval`; after failures rarer, up to `longest_pause`."""

    first: float
    """The instant of the first reading; those after it lie on the grid that begins there."""
    interval: float
    longest_pause: float

    def after_success(self, began: float, now: float) -> tuple[float, int]:
        """(when the next reading is due, how many were missed because the one that `began` then took too long)."""
        return next_on_grid(self.first, self.interval, now), instants_passed(self.first, self.interval, began, now)

    def after_failures(self, failures: int, now: float, chance: float) -> float:
        """When the next reading is due after `failures` in a row (1, 2, ...). `chance` in [0, 1) spreads the sources
        that failed together by up to a quarter."""
        pause = min(self.interval * 2.0 ** min(failures - 1, 32), max(self.longest_pause, self.interval))
        return now + pause * (0.75 + 0.25 * chance)


# A thousand targets of a kind, read for the first time at one instant, would all be late.
APART_SECONDS = 0.02


def first_waits(sources: Sequence[tuple[str, float]]) -> list[float]:
    """How long each of `sources`, (kind, interval in seconds), waits for its first reading: those of a kind follow one
    another closely if they are few, and fill their interval if they are many."""
    of_kind = Counter(kind for kind, _ in sources)
    begun: Counter[str] = Counter()
    waits = []
    for kind, interval in sources:
        waits.append(begun[kind] * min(APART_SECONDS, interval / of_kind[kind]))
        begun[kind] += 1
    return waits
