"""When people are told of what was held back and is over."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from shared.routing.hours import instant_ms, local_time

When = Literal["on-end", "daily", "off"]


@dataclass(frozen=True)
class SuppressedDigest:
    """`on-end`: at the next of moments that are `every_ms` apart, once nothing would hold it back any more; `daily`: at
    that minute of the day in `zone`. The moments follow from the clock alone, so a restart moves none."""

    when: When = "on-end"
    every_ms: int = 900_000
    minute: int = 8 * 60
    zone: ZoneInfo | None = None
    """None is UTC."""

    def next_ms(self, now_ms: int) -> int:
        """The first moment after `now_ms`."""
        if self.when != "daily":
            return (now_ms // self.every_ms + 1) * self.every_ms
        zone = self.zone or ZoneInfo("UTC")
        today = local_time(now_ms, zone).date()
        moments = (
            instant_ms(datetime.combine(today + timedelta(days=days), time()) + timedelta(minutes=self.minute), zone)
            for days in range(3)
        )
        return next(one for one in moments if one > now_ms)
