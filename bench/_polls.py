"""Polls on a grid: which were made in time, and what they cost the process that made them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SCHEDULED = Path("/proc/self/schedstat")


@dataclass
class Polls:
    """What came of the polls of one target: when each that succeeded was published, in seconds."""

    first: float
    ended: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Figures:
    """What was measured between the first interval and the end."""

    seconds: float
    due: int
    """Polls that were due; and those that succeeded before the next was due:"""
    in_time: int
    made: int
    """All that ended, in time or not."""
    cpu_seconds: float
    samples: int
    durations: Sequence[float]
    """Seconds of each poll."""
    targets_cpu_seconds: float = 0.0
    """What those that were polled used meanwhile."""
    waited_seconds: float = 0.0
    """How long the collecting process could have run, and others had the cores: a busy machine makes polls late."""

    def summary(self) -> dict[str, float]:
        """The line of JSON."""
        return {
            "polls_per_s": round(self.made / self.seconds, 2),
            "cpu_ms_per_poll": round(1000 * self.cpu_seconds / max(1, self.made), 3),
            "late_percent": round(100 * (1 - self.in_time / max(1, self.due)), 3),
        }


def in_time(polls: Iterable[Polls], interval: float, begin: float, end: float) -> tuple[int, int]:
    """(polls whose whole interval lay between `begin` and `end`, those of them that succeeded within it)."""
    due = good = 0
    for one in polls:
        slots = {int((at - one.first) // interval) for at in one.ended}
        number = max(0, -int((one.first - begin) // interval))
        while one.first + (number + 1) * interval <= end:
            due += 1
            good += number in slots
            number += 1
    return due, good


def cpu_of(processes: Iterable[psutil.Process]) -> float:
    """CPU seconds that they have used so far."""
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def waited_for_a_core() -> float:
    """Seconds that this process was ready to run and did not, so far; 0 where the system doesn't tell."""
    return int(SCHEDULED.read_text().split()[1]) / 1e9 if SCHEDULED.exists() else 0.0
