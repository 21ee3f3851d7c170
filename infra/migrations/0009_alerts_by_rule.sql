-- What a rule's alerts were at an instant, for whoever asks why it fired or not.

CREATE INDEX alert_logs_rule ON alert_logs (group_name, alert_type, created_at);
