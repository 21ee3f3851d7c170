-- A notification tells several alerts, and says why it was due, to whom exactly, and what held it back: a row for each
-- of its alerts in each step.

ALTER TABLE notification_log
    ADD COLUMN destination text NOT NULL DEFAULT '',
    ADD COLUMN occasion text NOT NULL DEFAULT 'change',
    ADD COLUMN told text,
    ADD COLUMN muted_by jsonb NOT NULL DEFAULT '[]',
    DROP CONSTRAINT notification_log_pkey,
    ADD PRIMARY KEY (notification_id, event_id, attempt, state, muted_by);
COMMENT ON TABLE notification_log IS 'each step of each delivery, for each alert that it tells: planned, sent, failed, unknown';
COMMENT ON COLUMN notification_log.destination IS 'receiver/channel/number[/person]';
COMMENT ON COLUMN notification_log.occasion IS 'change, repeat, digest, escalation or test';
COMMENT ON COLUMN notification_log.told IS 'as what the alert is told: firing, resolved or passed';
COMMENT ON COLUMN notification_log.muted_by IS 'what holds it back, e.g. ["silence:ID"]';
CREATE INDEX notification_log_alert ON notification_log (alert_id, at DESC);
