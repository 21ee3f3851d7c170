-- How observations are read: indexes for the API's queries, and the specification's `metrics` over series and samples.

CREATE INDEX performance_snapshots_time ON performance_snapshots (snapshot_time DESC);
CREATE INDEX api_performance_logs_route_time ON api_performance_logs (route, timestamp);
CREATE INDEX api_performance_logs_time ON api_performance_logs (timestamp);
CREATE INDEX health_check_results_time ON health_check_results (checked_at DESC);

CREATE VIEW metrics AS
SELECT
    series.id || '-' || (extract(epoch FROM samples.time) * 1000)::bigint AS id,
    series.metric AS metric_name,
    series.type AS metric_type,
    samples.value,
    series.labels,
    samples.time AS timestamp,
    series.id AS series_id
FROM series JOIN samples ON samples.series_id = series.id;
COMMENT ON COLUMN metrics.id IS 'series id and milliseconds since the epoch: what identifies a sample';
