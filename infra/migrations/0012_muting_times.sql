-- That an alert was held back is one row, from when to when: its end comes later, and completes it.

ALTER TABLE notification_log
    ADD COLUMN muted_since timestamptz,
    ADD COLUMN muted_until timestamptz,
    ADD COLUMN untold jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN notification_log.muted_since IS 'since when muted_by holds the alert back';
COMMENT ON COLUMN notification_log.muted_until IS 'until when it did; NULL while it does';
COMMENT ON COLUMN notification_log.untold IS 'where the alert ended meanwhile: the destinations that read of it in a digest';
