-- What history has stored of each partition. Changed in the same transaction as the rows that came from there, by
-- compare-and-set, so that rows are stored once.

CREATE TABLE history_offsets (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint,
    PRIMARY KEY (topic, partition)
);
COMMENT ON COLUMN history_offsets.next_offset IS 'the next message to store; absent while nothing was';
