-- Observations as hypertables, kept as long as history's settings say (it sets them at start).

SELECT create_hypertable('performance_snapshots', by_range('snapshot_time', INTERVAL '1 day'), create_default_indexes => FALSE);
SELECT create_hypertable('api_performance_logs', by_range('timestamp', INTERVAL '1 day'), create_default_indexes => FALSE);
SELECT create_hypertable('health_check_results', by_range('checked_at', INTERVAL '1 day'), create_default_indexes => FALSE);

ALTER TABLE performance_snapshots SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'host', timescaledb.orderby = 'snapshot_time');
ALTER TABLE api_performance_logs SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'route', timescaledb.orderby = 'timestamp, request_id');
ALTER TABLE health_check_results SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'service_name', timescaledb.orderby = 'checked_at');
CALL add_columnstore_policy('performance_snapshots', after => INTERVAL '2 days');
CALL add_columnstore_policy('api_performance_logs', after => INTERVAL '2 days');
CALL add_columnstore_policy('health_check_results', after => INTERVAL '2 days');

SELECT add_retention_policy('performance_snapshots', INTERVAL '30 days');
SELECT add_retention_policy('api_performance_logs', INTERVAL '30 days');
SELECT add_retention_policy('health_check_results', INTERVAL '30 days');
