"""The tables that are filled row by row, as data: columns, their types, and the statement that inserts many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]
"""Values in the order of the table's columns; jsonb and inet as text."""

_SENT_AS_TEXT = ("jsonb", "inet")


@dataclass(frozen=True)
class Table:
    """A table and the columns that history fills: name -> PostgreSQL type."""

    name: str
    columns: dict[str, str]
    on_conflict: str = "DO NOTHING"

    @property
    def insert(self) -> str:
        """Takes one array a column; rows that are there already are left out."""
        arrays = ", ".join(f"${number}::{_sent(kind)}[]" for number, kind in enumerate(self.columns.values(), 1))
        chosen = ", ".join(
            f'r."{name}"::{kind}' if kind in _SENT_AS_TEXT else f'r."{name}"' for name, kind in self.columns.items()
        )
        names = ", ".join(f'"{name}"' for name in self.columns)
        # Names and types are this module's own; values are arguments.
        return (
            f'INSERT INTO "{self.name}" ({names}) SELECT {chosen} '  # noqa: S608
            f"FROM unnest({arrays}) AS r({names}) ON CONFLICT {self.on_conflict}"
        )

    def arguments(self, rows: Sequence[Row]) -> list[list[Any]]:
        """The arguments of `insert` for `rows`: a list for each column."""
        return [list(column) for column in zip(*rows, strict=True)]


def _sent(kind: str) -> str:
    return "text" if kind in _SENT_AS_TEXT else kind


HEALTH_CHECK_RESULTS = Table(
    "health_check_results",
    {
        "service_name": "text",
        "kind": "text",
        "status": "text",
        "response_time_ms": "double precision",
        "details": "jsonb",
        "checked_at": "timestamptz",
        "valid_until": "timestamptz",
    },
)
API_PERFORMANCE_LOGS = Table(
    "api_performance_logs",
    {
        "request_id": "text",
        "source": "text",
        "method": "text",
        "route": "text",
        "status_code": "integer",
        "response_time_ms": "double precision",
        "request_size": "bigint",
        "response_size": "bigint",
        "user_agent": "text",
        "ip_address": "inet",
        "timestamp": "timestamptz",
    },
)
PERFORMANCE_SNAPSHOTS = Table(
    "performance_snapshots",
    {
        "host": "text",
        "snapshot_time": "timestamptz",
        "cpu_usage": "double precision",
        "memory_usage": "double precision",
        "memory_total": "bigint",
        "memory_used": "bigint",
        "disk_usage": "double precision",
        "disk_total": "bigint",
        "disk_used": "bigint",
        "network_rx": "bigint",
        "network_tx": "bigint",
        "load_average": "jsonb",
        "uptime_seconds": "bigint",
        "process_count": "bigint",
    },
)
COLLECTOR_SIGNS = Table(
    "collector_signs", {"source": "text", "accepted_at": "timestamptz", "newest_sample": "timestamptz"}
)
ALERT_EVENTS = Table(
    "alert_events",
    {
        "event_id": "text",
        "alert_id": "text",
        "episode": "timestamptz",
        "transition": "integer",
        "state": "text",
        "previous_state": "text",
        "instant": "timestamptz",
        "group_name": "text",
        "rule": "text",
        "rule_version": "text",
        "severity": "text",
        "message": "text",
        "value": "double precision",
        "labels": "jsonb",
        "event": "jsonb",
        "accepted_at": "timestamptz",
    },
)
# What an episode's firing event tells replaces what its resolved event, seen alone, could tell. Each is taken once.
_FIRING_IS_NEWS = "alert_logs.fired_event_id IS NULL AND EXCLUDED.fired_event_id IS NOT NULL"
_RESOLVED_IS_NEWS = "alert_logs.resolved_event_id IS NULL AND EXCLUDED.resolved_event_id IS NOT NULL"
_TOLD_BY_FIRING = ("severity", "message", "details", "created_at", "annotations", "expr", "value", "fired_event_id")
_TOLD_BY_RESOLVED = ("resolved_at", "resolved_event_id")


def _taken(columns: Sequence[str], when: str) -> str:
    return ", ".join(f"{one} = CASE WHEN {when} THEN EXCLUDED.{one} ELSE alert_logs.{one} END" for one in columns)


ALERT_LOGS = Table(
    "alert_logs",
    {
        "episode_id": "text",
        "alert_type": "text",
        "severity": "text",
        "message": "text",
        "details": "jsonb",
        "created_at": "timestamptz",
        "resolved_at": "timestamptz",
        "alert_id": "text",
        "episode": "timestamptz",
        "group_name": "text",
        "labels": "jsonb",
        "annotations": "jsonb",
        "expr": "text",
        "value": "double precision",
        "shadow": "boolean",
        "fired_event_id": "text",
        "resolved_event_id": "text",
    },
    f"(episode_id) DO UPDATE SET {_taken(_TOLD_BY_FIRING, _FIRING_IS_NEWS)}, "
    f"{_taken(_TOLD_BY_RESOLVED, _RESOLVED_IS_NEWS)} WHERE ({_FIRING_IS_NEWS}) OR ({_RESOLVED_IS_NEWS})",
)
NOTIFICATION_LOG = Table(
    "notification_log",
    {
        "notification_id": "text",
        "state": "text",
        "attempt": "integer",
        "event_id": "text",
        "alert_id": "text",
        "receiver": "text",
        "channel": "text",
        "at": "timestamptz",
        "reason": "text",
        "latency_ms": "double precision",
        "destination": "text",
        "occasion": "text",
        "told": "text",
        "muted_by": "jsonb",
        "muted_since": "timestamptz",
        "muted_until": "timestamptz",
        "untold": "jsonb",
    },
    "(notification_id, event_id, attempt, state, muted_by) DO UPDATE "
    "SET muted_until = EXCLUDED.muted_until, untold = EXCLUDED.untold "
    "WHERE EXCLUDED.muted_until IS NOT NULL AND (notification_log.muted_until IS NULL "
    "OR jsonb_array_length(EXCLUDED.untold) > jsonb_array_length(notification_log.untold))",
)
AUDIT_LOG = Table(
    "audit_log",
    {
        "id": "text",
        "at": "timestamptz",
        "actor": "text",
        "action": "text",
        "subject": "text",
        "address": "text",
        "before": "jsonb",
        "after": "jsonb",
    },
)
_VERSION = {
    "document": "jsonb",
    "digest": "text",
    "accepted_at": "timestamptz",
    "partition": "integer",
    "bus_offset": "bigint",
}
RULE_HISTORY = Table("rule_history", {"group_name": "text", **_VERSION})
SILENCE_HISTORY = Table("silence_history", {"silence_id": "text", **_VERSION})
