"""What one reading may still cost: series, samples and time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.promql.errors import QueryRefused
from shared.promql.limits import Limits

STATEMENT_SECONDS = 60.0
"""The most for one statement, also where there is no deadline."""


@dataclass
class Allowance:
    """Counts down from `limits`; QueryRefused when something is used up."""

    limits: Limits
    series: int = 0
    samples: int = 0

    def seconds(self) -> float:
        """How long the next statement may take."""
        if self.limits.clock is None:
            return STATEMENT_SECONDS
        left = self.limits.deadline - self.limits.clock()
        if left <= 0:
            raise self._too_long()
        return min(left, STATEMENT_SECONDS)

    def take_series(self, count: int) -> None:
        """So many more series."""
        self.series += count
        if self.series > self.limits.series:
            raise QueryRefused(
                "series", f"it selects more than {self.limits.series} stored series; name more of their labels"
            )

    def take_samples(self, count: int) -> None:
        """So many more samples."""
        self.samples += count
        if self.samples > self.limits.samples:
            raise QueryRefused(
                "samples",
                f"it reads more than {self.limits.samples} stored samples; take a shorter time or fewer series",
            )

    @property
    def samples_left(self) -> int:
        """How many samples may still be read."""
        return max(self.limits.samples - self.samples, 0)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """What is read inside is refused, not unavailable, when it takes longer than `seconds` said."""
        try:
            yield
        except TimeoutError as error:
            raise self._too_long() from error

    @staticmethod
    def _too_long() -> QueryRefused:
        return QueryRefused("time", "reading its samples from history takes longer than its deadline allows")
