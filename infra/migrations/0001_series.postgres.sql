-- Samples in native partitions, one a day. History makes them ahead and drops them when their time is over; what falls
-- on a day that has none is kept in the default partition.

-- Turn an empty table into one that is partitioned by ranges of `by`, with the same columns, constraints and defaults.
CREATE FUNCTION partition_by_range(relation text, by text) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I RENAME TO %I', relation, relation || '_unpartitioned');
    EXECUTE format(
        'CREATE TABLE %I (LIKE %I INCLUDING ALL) PARTITION BY RANGE (%I)', relation, relation || '_unpartitioned', by
    );
    EXECUTE format('DROP TABLE %I', relation || '_unpartitioned');
    EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', relation || '_default', relation);
END $$;

SELECT partition_by_range('samples', 'time');
