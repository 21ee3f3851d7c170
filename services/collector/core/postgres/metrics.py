"""The metrics of PostgreSQL servers."""

from shared.metrics import Metric

_SERVER = ("server",)
_DATABASE = ("server", "database")
_STATEMENT = ("server", "database", "query_id")
_TABLE = ("server", "database", "schema", "table")
_REPLICA = ("server", "replica", "address")


def _gauge(name: str, unit: str, help_text: str, labels: tuple[str, ...] = _DATABASE) -> Metric:
    return Metric(name, "gauge", unit, help_text, labels)


def _counter(name: str, unit: str, help_text: str, labels: tuple[str, ...] = _DATABASE) -> Metric:
    return Metric(name, "counter", unit, help_text, labels)


UP = _gauge("database_up", "", "1 if the server was read, else 0", _SERVER)
INFO = _gauge("database_info", "", "1, with the server's version in its label", ("server", "version"))
UPTIME = _gauge("database_uptime_seconds", "seconds", "Time since the server started", _SERVER)
IN_RECOVERY = _gauge("database_in_recovery", "", "1 if the server is a standby, else 0", _SERVER)

CONNECTIONS = _gauge("database_connections", "", "Open client connections, without Pantau's own reading")
ACTIVE = _gauge("database_connections_active", "", "Those that are executing a statement")
IDLE = _gauge("database_connections_idle", "", "Those that wait for their client, outside a transaction")
IDLE_IN_TRANSACTION = _gauge(
    "database_connections_idle_in_transaction", "", "Those that wait for their client inside a transaction"
)
BLOCKED = _gauge("database_connections_blocked", "", "Those that wait for a lock that another holds")
MOST = _gauge("database_connections_max", "", "Connections that ordinary roles can have open, all databases", _SERVER)
SLOW = _gauge(
    "database_connections_slow", "", "Those that have been executing a statement for slow_query_seconds or longer"
)
LONGEST_QUERY = _gauge("database_longest_query_seconds", "seconds", "Age of the oldest statement being executed")
LONGEST_TRANSACTION = _gauge("database_longest_transaction_seconds", "seconds", "Age of the oldest open transaction")
LONGEST_IDLE = _gauge(
    "database_longest_idle_in_transaction_seconds", "seconds", "How long a client has left its transaction idle at most"
)

TRANSACTIONS = _counter(
    "database_transactions_total", "", "Transactions; outcome is commit or rollback", (*_DATABASE, "outcome")
)
HITS = _counter("database_blocks_hit_total", "", "Blocks of 8 KiB that were found in the server's cache")
READS = _counter("database_blocks_read_total", "", "Blocks of 8 KiB that were not")
ROWS = _counter(
    "database_rows_total",
    "",
    "Rows, by operation: returned (scanned), fetched, inserted, updated, deleted",
    (*_DATABASE, "operation"),
)
DEADLOCKS = _counter("database_deadlocks_total", "", "Deadlocks found")
CONFLICTS = _counter("database_conflicts_total", "", "Queries cancelled because of recovery, on a standby")
TEMPORARY_FILES = _counter("database_temporary_files_total", "", "Temporary files that queries wrote")
TEMPORARY_BYTES = _counter("database_temporary_bytes_total", "bytes", "Written to temporary files")
CHECKSUM_FAILURES = _counter("database_checksum_failures_total", "", "Data pages found damaged")
SESSIONS_LOST = _counter(
    "database_sessions_lost_total",
    "",
    "Sessions that did not end in order; cause is abandoned, fatal or killed",
    (*_DATABASE, "cause"),
)

LOCKS = _gauge("database_locks", "", "Locks held on tables, rows and transactions, by mode", (*_DATABASE, "mode"))
LOCKS_WAITING = _gauge("database_locks_waiting", "", "Locks asked for and not had yet")
LONGEST_WAIT = _gauge(
    "database_lock_wait_longest_seconds", "seconds", "How long the oldest of those has been waiting (PostgreSQL 14+)"
)

REPLICAS = _gauge("database_replicas", "", "Replicas that are connected to the server", _SERVER)
LAG_BYTES = _gauge("database_replication_lag_bytes", "bytes", "Log that the replica has not replayed yet", _REPLICA)
LAG_SECONDS = _gauge(
    "database_replication_lag_seconds", "seconds", "How long ago the replica's state was the server's", _REPLICA
)
REPLAY_DELAY = _gauge(
    "database_replay_delay_seconds",
    "seconds",
    "On a standby: age of what it replayed last; 0 if it is connected and has replayed all it received",
    _SERVER,
)
RECEIVING = _gauge("database_replication_receiving", "", "On a standby: 1 if it is connected to its primary", _SERVER)
SLOT_ACTIVE = _gauge("database_replication_slot_active", "", "1 if somebody reads the slot", ("server", "slot"))
SLOT_RETAINED = _gauge(
    "database_replication_slot_retained_bytes", "bytes", "Log that is kept because of the slot", ("server", "slot")
)

QUERIES = _counter("database_queries_total", "", "Statements executed (pg_stat_statements)")
QUERY_SECONDS = _counter("database_query_seconds_total", "seconds", "Time spent executing them")
SLOW_STATEMENTS = _gauge(
    "database_slow_statements", "", "Statements whose mean was slow_query_seconds or more since the reading before"
)
STATEMENT_CALLS = _counter(
    "database_statement_calls_total", "", "How often the statement was executed; of the costliest ones", _STATEMENT
)
STATEMENT_SECONDS = _counter("database_statement_seconds_total", "seconds", "Time spent executing it", _STATEMENT)
STATEMENT_ROWS = _counter("database_statement_rows_total", "", "Rows that it answered or changed", _STATEMENT)
STATEMENT_INFO = _gauge(
    "database_statement_info", "", "1, with the statement's text, without constants", (*_STATEMENT, "query")
)

SIZE = _gauge("database_size_bytes", "bytes", "Size of the database on disk")
WRAPAROUND_AGE = _gauge(
    "database_wraparound_age_transactions", "", "Transactions since the oldest row that is not frozen yet"
)
WRAPAROUND_USAGE = _gauge(
    "database_wraparound_usage_percent", "percent", "Of the 2^31 transactions, or multixacts, until wraparound"
)

TABLE_SIZE = _gauge(
    "database_table_size_bytes", "bytes", "Size of the table with its partitions, indexes and TOAST", _TABLE
)
TABLE_ROWS = _gauge("database_table_rows", "", "Rows of the table, as its statistics estimate", _TABLE)
TABLE_DEAD = _gauge("database_table_dead_rows", "", "Rows that vacuum has yet to remove, likewise", _TABLE)

METRICS: tuple[Metric, ...] = (
    *(UP, INFO, UPTIME, IN_RECOVERY),
    *(CONNECTIONS, ACTIVE, IDLE, IDLE_IN_TRANSACTION, BLOCKED, MOST),
    *(SLOW, LONGEST_QUERY, LONGEST_TRANSACTION, LONGEST_IDLE),
    *(TRANSACTIONS, HITS, READS, ROWS, DEADLOCKS, CONFLICTS),
    *(TEMPORARY_FILES, TEMPORARY_BYTES, CHECKSUM_FAILURES, SESSIONS_LOST),
    *(LOCKS, LOCKS_WAITING, LONGEST_WAIT),
    *(REPLICAS, LAG_BYTES, LAG_SECONDS, REPLAY_DELAY, RECEIVING, SLOT_ACTIVE, SLOT_RETAINED),
    *(QUERIES, QUERY_SECONDS, SLOW_STATEMENTS, STATEMENT_CALLS, STATEMENT_SECONDS, STATEMENT_ROWS, STATEMENT_INFO),
    *(SIZE, WRAPAROUND_AGE, WRAPAROUND_USAGE, TABLE_SIZE, TABLE_ROWS, TABLE_DEAD),
)
