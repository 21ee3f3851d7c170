"""Rows that a server answered -> samples. Each function gives also how many of the things asked for are hidden from
our role; of what is hidden nothing is told, rather than something wrong."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from services.collector.core.postgres import metrics as m
from shared.messages.samples import Sample

Row = Mapping[str, Any]

# Those of tables and rows; what waits for another transaction waits for a ShareLock of it.
MODES = (
    *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock"),
    *("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
)
_OPERATIONS = ("returned", "fetched", "inserted", "updated", "deleted")
_LOST = ("abandoned", "fatal", "killed")


class Told(NamedTuple):
    """What an answer tells."""

    samples: list[Sample]
    problems: tuple[str, ...] = ()
    """For each thing that is not told, the reason."""


def server(name: str, time_ms: int, row: Row) -> list[Sample]:
    """The server's state."""
    return [
        m.INFO.sample(time_ms, 1, server=name, version=row["version"]),
        m.UPTIME.sample(time_ms, row["uptime"], server=name),
        m.IN_RECOVERY.sample(time_ms, row["in_recovery"], server=name),
        m.MOST.sample(time_ms, row["most"], server=name),
    ]


def activity(name: str, time_ms: int, rows: Iterable[Row]) -> Told:
    """Connections by database. Where some are hidden, only how many there are."""
    samples, hidden = [], 0
    for row in rows:
        labels = {"server": name, "database": row["database"]}
        samples.append(m.CONNECTIONS.sample(time_ms, row["connections"], **labels))
        if row["hidden"]:
            hidden += 1
            continue
        samples += [
            m.ACTIVE.sample(time_ms, row["active"], **labels),
            m.IDLE.sample(time_ms, row["idle"], **labels),
            m.IDLE_IN_TRANSACTION.sample(time_ms, row["idle_in_transaction"], **labels),
            m.BLOCKED.sample(time_ms, row["blocked"], **labels),
            m.SLOW.sample(time_ms, row["slow"], **labels),
            m.LONGEST_QUERY.sample(time_ms, row["longest_query"], **labels),
            m.LONGEST_TRANSACTION.sample(time_ms, row["longest_transaction"], **labels),
            m.LONGEST_IDLE.sample(time_ms, row["longest_idle"], **labels),
        ]
    return Told(samples, ("privilege",) * bool(hidden))


def databases(name: str, time_ms: int, rows: Iterable[Row]) -> Told:
    """The counters of each database."""
    samples = []
    for row in rows:
        labels = {"server": name, "database": row["database"]}
        samples += [
            m.TRANSACTIONS.sample(time_ms, row["xact_commit"], outcome="commit", **labels),
            m.TRANSACTIONS.sample(time_ms, row["xact_rollback"], outcome="rollback", **labels),
            m.HITS.sample(time_ms, row["blks_hit"], **labels),
            m.READS.sample(time_ms, row["blks_read"], **labels),
            *(m.ROWS.sample(time_ms, row[f"tup_{one}"], operation=one, **labels) for one in _OPERATIONS),
            m.DEADLOCKS.sample(time_ms, row["deadlocks"], **labels),
            m.CONFLICTS.sample(time_ms, row["conflicts"], **labels),
            m.TEMPORARY_FILES.sample(time_ms, row["temp_files"], **labels),
            m.TEMPORARY_BYTES.sample(time_ms, row["temp_bytes"], **labels),
            *(
                m.SESSIONS_LOST.sample(time_ms, row[f"sessions_{cause}"], cause=cause, **labels)
                for cause in _LOST
                if f"sessions_{cause}" in row
            ),
        ]
        if row["checksum_failures"] is not None:  # else pages have no checksums
            samples.append(m.CHECKSUM_FAILURES.sample(time_ms, row["checksum_failures"], **labels))
    return Told(samples)


def locks(name: str, time_ms: int, rows: Iterable[Row]) -> Told:
    """Locks by database and mode, also the modes that nobody holds."""
    held: dict[tuple[str, str], float] = {}
    waiting: dict[str, tuple[int, float]] = {}
    for row in rows:
        database = row["database"]
        waiting.setdefault(database, (0, 0.0))
        for mode in MODES:
            held.setdefault((database, mode), 0)
        if row["mode"] is None:
            continue
        if row["granted"]:
            held[database, row["mode"]] = row["locks"]
        else:
            count, longest = waiting[database]
            waiting[database] = count + row["locks"], max(longest, row["longest"])
    samples = [
        m.LOCKS.sample(time_ms, count, server=name, database=database, mode=mode)
        for (database, mode), count in held.items()
    ]
    for database, (count, longest) in waiting.items():
        samples.append(m.LOCKS_WAITING.sample(time_ms, count, server=name, database=database))
        samples.append(m.LONGEST_WAIT.sample(time_ms, longest, server=name, database=database))
    return Told(samples)


def replication(name: str, time_ms: int, replicas: Iterable[Row], slots: Iterable[Row], standby: Iterable[Row]) -> Told:
    """Who replicates from the server, and how it replicates from another. Of replicas that look the same, the worst."""
    lags: dict[tuple[str, str], tuple[float, float | None]] = {}
    count = hidden = 0
    for row in replicas:
        count += 1
        if row["hidden"]:
            hidden += 1
        elif row["bytes"] is not None:  # else it has only just come
            identity = row["replica"], row["address"]
            # Of a replica that has replayed all, the server tells for a while how late it was, then nothing.
            seconds = 0.0 if row["bytes"] <= 0 else row["seconds"]
            worst_bytes, worst_seconds = lags.get(identity, (0.0, None))
            known = [one for one in (seconds, worst_seconds) if one is not None]
            lags[identity] = max(row["bytes"], worst_bytes), max(known, default=None)
    samples = [m.REPLICAS.sample(time_ms, count, server=name)]
    for (replica, address), (behind, late) in lags.items():
        labels = {"server": name, "replica": replica, "address": address}
        samples.append(m.LAG_BYTES.sample(time_ms, behind, **labels))
        if late is not None:
            samples.append(m.LAG_SECONDS.sample(time_ms, late, **labels))
    for row in slots:
        samples.append(m.SLOT_ACTIVE.sample(time_ms, row["active"], server=name, slot=row["slot"]))
        if row["bytes"] is not None:
            samples.append(m.SLOT_RETAINED.sample(time_ms, max(0.0, row["bytes"]), server=name, slot=row["slot"]))
    for row in standby:
        samples.append(m.RECEIVING.sample(time_ms, row["receiving"], server=name))
        if row["delay"] is not None:  # else it has replayed nothing yet
            samples.append(m.REPLAY_DELAY.sample(time_ms, max(0.0, row["delay"]), server=name))
    return Told(samples, ("privilege",) * bool(hidden))


def sizes(name: str, time_ms: int, rows: Iterable[Row], ages: Iterable[Row]) -> Told:
    """Sizes of databases and how near their transactions are to wraparound."""
    samples, hidden = [], 0
    for row in rows:
        if row["bytes"] is None:
            hidden += 1
        else:
            samples.append(m.SIZE.sample(time_ms, row["bytes"], server=name, database=row["database"]))
    for row in ages:
        labels = {"server": name, "database": row["database"]}
        samples.append(m.WRAPAROUND_AGE.sample(time_ms, row["age"], **labels))
        samples.append(m.WRAPAROUND_USAGE.sample(time_ms, row["percent"], **labels))
    return Told(samples, ("privilege",) * bool(hidden))


def tables(name: str, time_ms: int, rows: Iterable[Row]) -> Told:
    """The largest tables and those with most dead rows. One that is locked exclusively keeps its size to itself."""
    samples, locked = [], 0
    for row in rows:
        labels = {"server": name, "database": row["database"], "schema": row["schema"], "table": row["table"]}
        locked = row["all_locked"]
        if not row["locked"]:
            samples.append(m.TABLE_SIZE.sample(time_ms, row["bytes"], **labels))
        samples.append(m.TABLE_ROWS.sample(time_ms, row["live"], **labels))
        samples.append(m.TABLE_DEAD.sample(time_ms, row["dead"], **labels))
    return Told(samples, ("locked",) * bool(locked))
