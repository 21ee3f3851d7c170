"""What is asked of a server, by its version. All of it is in pg_catalog, which is the whole search path."""

# Put together from constants, and the name of a schema that the server itself quotes.
# ruff: noqa: S608

# The databases that are told. $1: those that are not; $2: whether others than the one that we are connected to are.
_WATCHED = """
    SELECT oid, datname FROM pg_database
    WHERE datallowconn AND NOT datistemplate AND NOT datname = ANY($1::text[])
      AND ($2::bool OR datname = current_database())
    ORDER BY datname = current_database() DESC, datname LIMIT $3::int8"""

SERVER = """
SELECT current_setting('server_version') AS version,
       pg_is_in_recovery() AS in_recovery,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS uptime,
       current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8
         - coalesce(current_setting('reserved_connections', true)::int8, 0) AS most,
       (SELECT count(*) FROM pg_database
        WHERE datallowconn AND NOT datistemplate AND NOT datname = ANY($1::text[])
          AND ($2::bool OR datname = current_database())) AS databases"""

# Of other roles' sessions a role without pg_monitor sees neither the state nor what kind they are.
# $4: slow_query_seconds.
ACTIVITY = f"""
SELECT d.datname AS database,
       count(a.pid) AS connections,
       count(*) FILTER (WHERE a.state = 'active') AS active,
       count(*) FILTER (WHERE a.state = 'idle') AS idle,
       count(*) FILTER (WHERE a.state LIKE 'idle in transaction%') AS idle_in_transaction,
       count(*) FILTER (WHERE a.state = 'active' AND a.wait_event_type = 'Lock') AS blocked,
       count(*) FILTER (WHERE a.state = 'active' AND a.query_age >= $4::float8) AS slow,
       coalesce(max(a.query_age) FILTER (WHERE a.state = 'active'), 0) AS longest_query,
       coalesce(max(a.transaction_age), 0) AS longest_transaction,
       coalesce(max(a.state_age) FILTER (WHERE a.state LIKE 'idle in transaction%'), 0) AS longest_idle,
       count(*) FILTER (WHERE a.hidden) AS hidden
FROM ({_WATCHED}) d
LEFT JOIN (
    SELECT pid, datid, state, wait_event_type,
           greatest(0, extract(epoch FROM clock_timestamp() - query_start))::float8 AS query_age,
           greatest(0, extract(epoch FROM clock_timestamp() - xact_start))::float8 AS transaction_age,
           greatest(0, extract(epoch FROM clock_timestamp() - state_change))::float8 AS state_age,
           query = '<insufficient privilege>' AS hidden
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND (backend_type = 'client backend' OR query = '<insufficient privilege>')
) a ON a.datid = d.oid
GROUP BY d.datname"""

# What waits for a row waits for a transaction, which belongs to no database: whose lock it is says the session.
_LOCKS = f"""
SELECT d.datname AS database, l.mode, l.granted, count(l.pid) AS locks, coalesce(max(l.waited), 0) AS longest
FROM ({_WATCHED}) d
LEFT JOIN (
    SELECT a.datid, k.pid, k.mode, k.granted, {{waited}} AS waited
    FROM pg_locks k JOIN pg_stat_activity a ON a.pid = k.pid
    WHERE k.pid <> pg_backend_pid() AND k.locktype <> 'virtualxid'
) l ON l.datid = d.oid
GROUP BY d.datname, l.mode, l.granted"""

_ON_PRIMARY = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
# A base backup is no replica. Without pg_monitor all but the pid is hidden.
REPLICAS = f"""
SELECT coalesce(application_name, '') AS replica,
       coalesce(host(client_addr), '') AS address,
       pg_wal_lsn_diff({_ON_PRIMARY}, coalesce(replay_lsn, flush_lsn, write_lsn, sent_lsn))::float8 AS bytes,
       extract(epoch FROM replay_lag)::float8 AS seconds,
       state IS NULL AS hidden
FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup'"""
SLOTS = f"""
SELECT slot_name AS slot, active,
       pg_wal_lsn_diff({_ON_PRIMARY}, restart_lsn)::float8 AS bytes
FROM pg_replication_slots ORDER BY slot_name"""
# A standby that lost its primary has replayed all it received, and yet is behind.
STANDBY = """
SELECT receiving,
       CASE WHEN receiving AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END::float8 AS delay
FROM (SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE coalesce(status, 'streaming') = 'streaming')) s(receiving)
WHERE pg_is_in_recovery()"""

EXTENSION = """
SELECT quote_ident(n.nspname) AS schema, e.extversion AS version
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'"""
_STATEMENTS = """
SELECT d.datname AS database, s.dbid, s.userid, s.queryid, {toplevel} AS toplevel,
       s.calls, s.total_exec_time / 1000 AS seconds, s.rows
FROM {schema}.pg_stat_statements(false) s JOIN ({watched}) d ON d.oid = s.dbid
LIMIT $4::int8"""
_TEXTS = """
SELECT DISTINCT ON (queryid) queryid, left(query, 4000) AS query
FROM {schema}.pg_stat_statements(true) WHERE queryid = ANY($1::text[]::int8[])"""

# Of a database that it may not connect to, a role without pg_read_all_stats may not know the size.
SIZES = f"""
SELECT datname AS database,
       CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_database_size(oid) END AS bytes
FROM ({_WATCHED}) d"""
# Templates are among them: their rows age, too.
AGES = """
SELECT datname AS database, age(datfrozenxid) AS age,
       100 * greatest(age(datfrozenxid), mxid_age(datminmxid)) / 2147483648.0::float8 AS percent
FROM pg_database WHERE NOT datname = ANY($1::text[]) AND ($2::bool OR datname = current_database())
ORDER BY datname = current_database() DESC, age(datfrozenxid) DESC LIMIT $3::int8"""

# A table counts for what it is a partition of, or inherits from (as TimescaleDB's chunks do). What is locked
# exclusively would make us wait: it is left out. $1: how many of the largest, and of those with most dead rows.
TABLES = """
WITH RECURSIVE locked AS (
    SELECT DISTINCT coalesce(i.indrelid, l.relation) AS oid
    FROM pg_locks l LEFT JOIN pg_index i ON i.indexrelid = l.relation
    WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.locktype = 'relation'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
), tree(oid, root) AS (
    SELECT c.oid, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
  UNION
    SELECT i.inhrelid, t.root FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
), measured AS (
    SELECT root, count(l.oid) AS locked,
           coalesce(sum(CASE WHEN l.oid IS NULL THEN pg_total_relation_size(t.oid) END), 0)::float8 AS bytes,
           coalesce(sum(pg_stat_get_live_tuples(t.oid)), 0)::float8 AS live,
           coalesce(sum(pg_stat_get_dead_tuples(t.oid)), 0)::float8 AS dead
    FROM tree t LEFT JOIN locked l ON l.oid = t.oid GROUP BY root
), ranked AS (
    SELECT *, row_number() OVER (ORDER BY bytes DESC, root) AS by_bytes,
           row_number() OVER (ORDER BY dead DESC, root) AS by_dead,
           sum(locked) OVER () AS all_locked
    FROM measured
)
SELECT current_database() AS database, n.nspname AS schema, c.relname AS table, r.locked, r.bytes, r.live, r.dead,
       r.all_locked
FROM ranked r JOIN pg_class c ON c.oid = r.root JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.by_bytes <= $1::int8 OR r.by_dead <= $1::int8 AND r.dead > 0
ORDER BY r.by_bytes"""


def locks(version: int) -> str:
    """The locks of a server of that major version; $1 to $3 as above."""
    return _LOCKS.format(
        waited="greatest(0, extract(epoch FROM clock_timestamp() - k.waitstart))::float8"
        if version >= 14
        else "NULL::float8"
    )


def databases(version: int) -> str:
    """The counters of each database; $1 to $3 as above."""
    more = ", s.sessions_abandoned, s.sessions_fatal, s.sessions_killed" if version >= 14 else ""
    return f"""
SELECT d.datname AS database, s.xact_commit, s.xact_rollback, s.blks_hit, s.blks_read, s.tup_returned, s.tup_fetched,
       s.tup_inserted, s.tup_updated, s.tup_deleted, s.deadlocks, s.conflicts, s.temp_files, s.temp_bytes,
       s.checksum_failures{more}
FROM ({_WATCHED}) d JOIN pg_stat_database s ON s.datid = d.oid"""


def executed(schema: str, extension: tuple[int, ...]) -> str:
    """What pg_stat_statements of that version, in `schema` (quoted), has counted; $1 to $3 as above."""
    return _STATEMENTS.format(schema=schema, watched=_WATCHED, toplevel="s.toplevel" if extension >= (1, 9) else "true")


def texts(schema: str) -> str:
    """The texts of statements; $1: their ids."""
    return _TEXTS.format(schema=schema)
