"""What the billing application has to send: more by day, many reminders on some days."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

KINDS = ("invoice", "reminder", "voucher", "notice")
WEIGHTS = (4, 3, 6, 1)
WIB = timezone(timedelta(hours=7))
# Messages in a minute, by the hour in western Indonesia, for `per_minute` of 1.
BY_HOUR = (
    *(0.05, 0.03, 0.02, 0.02, 0.05, 0.2, 0.6, 1.0, 1.6, 1.8, 1.6, 1.4),
    *(1.2, 1.3, 1.4, 1.4, 1.5, 1.6, 1.8, 2.0, 1.6, 1.0, 0.5, 0.2),
)
MINUTE_MS = 60_000


class Arrival(NamedTuple):
    """A message that the application puts into its queue."""

    at_ms: int
    kind: str
    chat: str


def arrivals(seed: str, per_minute: float, after_ms: int, until_ms: int) -> Iterator[Arrival]:
    """Those after one instant up to another, in order. The same seed, the same messages, however the time is cut."""
    for minute in range(after_ms // MINUTE_MS, until_ms // MINUTE_MS + 1):
        chance = random.Random(f"{seed}/traffic/{minute}")  # noqa: S311
        expected = per_minute * BY_HOUR[datetime.fromtimestamp(minute * 60, WIB).hour]
        count = int(expected) + (chance.random() < expected % 1)
        made = sorted(
            Arrival(
                minute * MINUTE_MS + chance.randrange(MINUTE_MS),
                chance.choices(KINDS, WEIGHTS)[0],
                f"62811{chance.randrange(10_000_000):07d}@c.us",
            )
            for _ in range(count)
        )
        for one in made:
            if after_ms < one.at_ms <= until_ms:
                yield one
