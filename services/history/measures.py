"""What history says of its work, and the tally that keeps what was rolled back out of it."""

from collections import Counter
from dataclasses import dataclass, field

import prometheus_client as prometheus

ROWS = prometheus.Counter("pantau_history_rows_total", "Rows written", ["table"])
DUPLICATES = prometheus.Counter(
    "pantau_history_duplicates_total",
    "Rows that were there already, by reason: same (a retry), other_value (the first value was kept)",
    ["table", "reason"],
)
REFUSED = prometheus.Counter(
    "pantau_history_refused_total", "Rows not written, by reason: too_old (beyond the retention)", ["table", "reason"]
)
BATCH_SECONDS = prometheus.Histogram(
    "pantau_history_batch_seconds",
    "Time from a batch's first statement to its commit",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
BATCH_MESSAGES = prometheus.Histogram(
    "pantau_history_batch_messages", "Messages in a batch", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
)
RETRIES = prometheus.Counter(
    "pantau_history_batch_retries_total", "Batches rolled back and tried again, by reason", ["reason"]
)
DISPLACED = prometheus.Counter(
    "pantau_history_displaced_total", "Batches rolled back because another writer had stored from the partition"
)
MISSED = prometheus.Counter(
    "pantau_history_messages_missed_total", "Messages that the bus had deleted before they were stored", ["topic"]
)
SERIES = prometheus.Gauge("pantau_history_series_in_memory", "Series that need no look-up in the database")
DROPPED = prometheus.Counter(
    "pantau_history_expired_total", "What retention removed: partitions, or rows of the table", ["table", "what"]
)


@dataclass
class Tally:
    """What one piece of a transaction has done. Told to Prometheus only once the transaction is committed."""

    rows: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Take over what `other` has done."""
        self.rows += other.rows
        self.duplicates += other.duplicates
        self.refused += other.refused

    def publish(self) -> None:
        """Tell Prometheus."""
        for table, count in self.rows.items():
            ROWS.labels(table).inc(count)
        for (table, reason), count in self.duplicates.items():
            DUPLICATES.labels(table, reason).inc(count)
        for (table, reason), count in self.refused.items():
            REFUSED.labels(table, reason).inc(count)
