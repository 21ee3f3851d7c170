"""What the fold is told once, from the settings: the same terms give the same outputs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """Durations in ms."""

    evaluation_interval_ms: int = 15_000
    """The grid of groups that don't name theirs."""
    lookback_ms: int = 5 * 60_000
    """A series without a sample for longer is stale."""
    dark_after_ms: int = 120_000
    """An instant without a sign of a collector for longer is unknown."""
    most_ahead_ms: int = 10 * 60_000
    """A sample that is further ahead of the broker's clock is refused."""
    clock_tolerance_ms: int = 5_000
    """Clocks may differ by that: a sample that is ahead by no more is evaluated on arrival at its own time."""
