"""Partitions of a day each on plain PostgreSQL: which to make ahead, which are over."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAYS_BEHIND, DAYS_AHEAD = 1, 3

PARTITIONED = {
    "samples": "time",
    "performance_snapshots": "snapshot_time",
    "api_performance_logs": "timestamp",
    "health_check_results": "checked_at",
}
"""Tables of observations and the column by which they are divided; on TimescaleDB they are hypertables."""

WHOLE = {
    "collector_signs": "accepted_at",
    "alert_events": "instant",
    "alert_logs": "resolved_at",
    "notification_log": "at",
    "audit_log": "at",
}
"""Tables that are not divided and the column that says how old a row is (without one it is kept)."""


@dataclass(frozen=True)
class Partition:
    """One day of one table."""

    table: str
    day: date

    @property
    def name(self) -> str:
        """The partition's own table name."""
        return f"{self.table}_{self.day:%Y%m%d}"

    @property
    def start(self) -> datetime:
        """Its first instant."""
        return datetime.combine(self.day, time(), UTC)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return self.start + timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """What is to be done about one table."""

    make: list[Partition]
    drop: list[Partition]
    delete_before: datetime
    """In the default partition: what is older is over."""


def plan(table: str, existing: Collection[str], keep_days: int, now: datetime) -> Plan:
    """What to do so that `table`, whose partitions are named `existing`, has those around `now` and none that ended
    `keep_days` (at least 1) or more ago. Names that are not of a day's partition are let alone."""
    today = now.astimezone(UTC).date()
    oldest_kept = now - timedelta(days=keep_days)
    wanted = (Partition(table, today + timedelta(days=days)) for days in range(-DAYS_BEHIND, DAYS_AHEAD + 1))
    make = [one for one in wanted if one.name not in existing]
    there = (_partition(table, name) for name in sorted(existing))
    drop = [one for one in there if one is not None and one.end <= oldest_kept]
    return Plan(make, drop, oldest_kept)


def _partition(table: str, name: str) -> Partition | None:
    """The partition of `table` that has this name; None if the name is not that of a day."""
    match = re.fullmatch(rf"{re.escape(table)}_(\d{{4}})(\d{{2}})(\d{{2}})", name)
    if match is None:
        return None
    try:
        return Partition(table, date(int(match[1]), int(match[2]), int(match[3])))
    except ValueError:
        return None
