-- Observations in native partitions, as samples are.

SELECT partition_by_range('performance_snapshots', 'snapshot_time');
SELECT partition_by_range('api_performance_logs', 'timestamp');
SELECT partition_by_range('health_check_results', 'checked_at');
