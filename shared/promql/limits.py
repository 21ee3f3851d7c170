"""What one query may cost."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.promql.errors import QueryRefused


@dataclass(frozen=True)
class Limits:
    """The most that a query may touch. `deadline` is an instant of `clock`, both in seconds; no clock, no deadline."""

    samples: int = 100_000_000
    series: int = 1_000_000
    steps: int = 100_000
    cells: int = 200_000_000
    """Series times steps of all intermediate results together."""
    clock: Callable[[], float] | None = None
    deadline: float = 0.0


UNLIMITED = Limits(2**62, 2**62, 2**62, 2**62)


@dataclass
class Spending:
    """What one query has cost so far."""

    limits: Limits
    samples: int = 0
    series: int = 0
    cells: int = 0

    def check_deadline(self) -> None:
        """QueryRefused once the deadline has passed."""
        limits = self.limits
        if limits.clock is not None and limits.clock() > limits.deadline:
            raise QueryRefused("time", "it ran longer than its deadline allows")

    def touch(self, series: int, samples: int) -> None:
        """Series and samples that are read."""
        self.series += series
        self.samples += samples
        if self.series > self.limits.series:
            raise QueryRefused("series", f"it selects {self.series} series, at most {self.limits.series}")
        if self.samples > self.limits.samples:
            raise QueryRefused("samples", f"it touches {self.samples} samples, at most {self.limits.samples}")
        self.check_deadline()

    def foresee(self, series: int, steps: int) -> None:
        """An intermediate result, before it is made."""
        if steps > self.limits.steps:
            raise QueryRefused("steps", f"it has {steps} steps, at most {self.limits.steps}")
        cells = self.cells + series * steps
        if cells > self.limits.cells:
            raise QueryRefused("samples", f"its results hold {cells} samples, at most {self.limits.cells}")
        self.check_deadline()

    def make(self, series: int, steps: int) -> None:
        """An intermediate result that is made."""
        self.foresee(series, steps)
        self.cells += series * steps
