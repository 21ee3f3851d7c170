"""What is made of a database query: its duration by kind and table, and a warning if it was slow."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram

from pantau import clock
from pantau.bounds import BoundedValues
from pantau.settings import Settings
from pantau.statements import described
from pantau.telemetry import Telemetry

log = logging.getLogger("pantau")

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
MOST_TYPES, MOST_TABLES = 50, 300


class Queries:
    """Takes the measure of queries. Nothing of their text goes anywhere but kind and table: the rest may be secret."""

    def __init__(self, registry: CollectorRegistry, settings: Settings, telemetry: Telemetry) -> None:
        labels = ("query_type", "table")
        self._duration = Histogram(
            "database_query_duration_seconds",
            "How long the application waited for the query",
            labels,
            registry=registry,
            buckets=BUCKETS,
        )
        self._slow = Counter(
            "database_slow_queries_total", "Queries that took longer than slow_query_seconds", labels, registry=registry
        )
        self._settings, self._telemetry = settings, telemetry
        self._type, self._table = BoundedValues(MOST_TYPES), BoundedValues(MOST_TABLES)

    def record(self, query_type: str, table: str, seconds: float) -> None:
        """Take a query that is over, well or not."""
        try:
            query_type, table = self._type(query_type), self._table(table)
            self._duration.labels(query_type, table).observe(seconds)
            # There from the first query on, so that the first slow one is an increase.
            slow = self._slow.labels(query_type, table)
            if seconds > self._settings.slow_query_seconds:
                slow.inc()
                log.warning("slow query: %s on %s took %.0f ms", query_type, table, seconds * 1000)
        except Exception as error:  # noqa: BLE001  (the query was answered, whatever is wrong with its measure)
            self._telemetry.failed("query", error)

    def record_statement(self, text: str, seconds: float) -> None:
        """Take a query that is over, by its SQL text."""
        try:
            query_type, table = described(text)
        except Exception as error:  # noqa: BLE001  (as above)
            self._telemetry.failed("query", error)
            return
        self.record(query_type, table, seconds)

    @contextmanager
    def timed(self, query_type: str, table: str) -> Iterator[None]:
        """The time of what is done inside, which may await."""
        started = clock.elapsed()
        try:
            yield
        finally:
            self.record(query_type, table, clock.elapsed() - started)
