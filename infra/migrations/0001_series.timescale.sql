-- Samples as a hypertable: a chunk a day, in columns once no more late samples are to be expected.

SELECT create_hypertable('samples', by_range('time', INTERVAL '1 day'), create_default_indexes => FALSE);
ALTER TABLE samples SET (
    timescaledb.enable_columnstore,
    timescaledb.segmentby = 'series_id',
    timescaledb.orderby = 'time'
);
CALL add_columnstore_policy('samples', after => INTERVAL '2 days');
-- History sets it to its own setting at start.
SELECT add_retention_policy('samples', INTERVAL '30 days');
