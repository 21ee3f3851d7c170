-- A version is named by its place on the bus, so that one that is read again, after others, is not taken for a return
-- to it. The time is part of the name because a bus that was set up anew counts from 0 again.

ALTER TABLE rule_history
    ADD COLUMN partition integer,
    ADD COLUMN bus_offset bigint,
    ADD CONSTRAINT rule_history_position UNIQUE (partition, bus_offset, accepted_at);
ALTER TABLE silence_history
    ADD COLUMN partition integer,
    ADD COLUMN bus_offset bigint,
    ADD CONSTRAINT silence_history_position UNIQUE (partition, bus_offset, accepted_at);
