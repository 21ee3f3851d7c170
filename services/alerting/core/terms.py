"""What the fold is told once, from the settings: the same terms give the same outputs."""

from dataclasses import dataclass, field

from shared.rules.expansion import Outside


@dataclass(frozen=True)
class Terms:
    """Durations in ms."""

    evaluation_interval_ms: int = 15_000
    """The grid of groups that don't name theirs."""
    settle_ms: int = 500
    """An instant is evaluated that much after it, so that what was sent just before it has arrived."""
    lateness_ms: int = 60_000
    """A sample that is further behind the newest of its source is refused."""
    dark_after_ms: int = 120_000
    """An instant without a sign of a collector for longer is unknown."""
    leap_ms: int = 10_000
    """If time moves on by more at once, the bus was away, and collectors have yet to send what they held."""
    patience_ms: int = 30_000
    """How long collectors are waited for then."""
    most_ahead_ms: int = 10 * 60_000
    """A sample that is further ahead of the broker's clock is refused."""
    clock_tolerance_ms: int = 5_000
    """Clocks may differ by that: a sample that is ahead by no more is evaluated on arrival at its own time; a source
    that is further ahead has a wrong clock."""
    told_late_after_ms: int = 5_000
    """A decision that comes so much after its instant, and the group's offset, is marked as late."""
    most_series: int = 300_000
    """A group whose rules select more series is refused."""
    most_waiting_samples: int = 20_000_000
    """So many samples of more than an hour ago are kept for groups that wait for others, or for history."""
    most_slice: int = 60
    """Instants of a group that are evaluated in one piece of work."""
    outside: Outside = field(default_factory=Outside)

    @property
    def lookback_ms(self) -> int:
        """A series without a sample for longer is stale."""
        return self.outside.options.lookback_ms
