-- What rules over the past have to know beside samples: when the collectors gave signs of life, and up to when history
-- is complete.

CREATE TABLE collector_signs (
    source text NOT NULL,
    accepted_at timestamptz NOT NULL,
    newest_sample timestamptz,
    PRIMARY KEY (accepted_at, source)
);
COMMENT ON TABLE collector_signs IS 'batches of collectors, at most one a second of each: an instant without any before it is unknown';
COMMENT ON COLUMN collector_signs.source IS 'who sent it, e.g. collector/web-1';
COMMENT ON COLUMN collector_signs.accepted_at IS 'when the bus accepted it';
COMMENT ON COLUMN collector_signs.newest_sample IS 'the time of its newest sample; absent where it had none';

-- A collector's reading of its machine is a sign, too: what is kept of the time before this table.
INSERT INTO collector_signs (source, accepted_at, newest_sample)
SELECT 'collector/' || host, snapshot_time, snapshot_time FROM performance_snapshots;

ALTER TABLE history_offsets ADD COLUMN complete_until timestamptz;
COMMENT ON COLUMN history_offsets.complete_until IS 'what the bus accepted in the partition up to then is stored; absent: not known';
