"""Settings of the business' figures: section `business` of `pantau.yaml`."""

from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from services.collector.core.business.answers import Wanted, refusal
from services.collector.core.business.defaults import DEFAULTS, Query
from shared.messages.series import LABEL_NAME, METRIC_NAME, NAME
from shared.metrics import Metric
from shared.postgres.settings import ConnectionSettings
from shared.settings import Section, names_differ

Interval = Annotated[float, Field(ge=10, le=86_400)]
# What takes longer is nothing to be asked for every minute.
Timeout = Annotated[float, Field(gt=0, le=40)]
Column = Annotated[str, Field(min_length=1, max_length=63)]
DefaultQuery = Literal[
    "active_users_hotspot",
    "active_users_pppoe",
    "active_subscriptions",
    "daily_revenue",
    "conversion_rate",
    "customer_growth",
]


class BusinessMetricSettings(Section):
    """A metric that a query's rows make."""

    name: Annotated[str, Field(max_length=200)]
    """The metric's name."""
    type: Literal["gauge", "counter"] = "gauge"
    """A counter only grows, but for starting over; its name ends in `_total`."""
    value: Column = "value"
    """The column that holds the value, a number."""
    labels: Annotated[list[Column], Field(max_length=20)] = []
    """The columns that are labels."""
    unit: Annotated[str, Field(max_length=50)] = ""
    """The unit, for the exporter's readers."""
    help: Annotated[str, Field(max_length=500)] = ""
    """What it is, likewise."""

    @model_validator(mode="after")
    def _is_metric(self) -> Self:
        if not METRIC_NAME.fullmatch(self.name) or self.name.startswith("pantau_"):
            raise ValueError(f"{self.name[:80]!r} is no name for a metric, or one of Pantau's own")
        for label in self.labels:
            if not LABEL_NAME.fullmatch(label) or label == NAME:
                raise ValueError(f"{label[:80]!r} is not a label name; give the column another one with AS")
        if self.value in self.labels:
            raise ValueError(f"column {self.value!r} can't be a label and the value")
        self.wanted()
        return self

    def wanted(self) -> Wanted:
        """The metric and its column. ValueError if its name does not fit its type."""
        labels = tuple(dict.fromkeys(self.labels))
        return Wanted(Metric(self.name, self.type, self.unit, self.help, labels), self.value)


class BusinessQuerySettings(Section):
    """A query."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """How its status is told: `pantau_source_up{source="business/<name>"}`. That of a default query replaces it."""
    sql: Annotated[str, Field(max_length=20_000)]
    """One statement that reads."""
    metrics: Annotated[list[BusinessMetricSettings], Field(min_length=1, max_length=20)]
    """What its rows make."""
    interval_seconds: Interval | None = None
    """How often; `business.interval_seconds` if not said."""
    statement_timeout_seconds: Timeout | None = None
    """How long the server may work on it; `business.statement_timeout_seconds` if not said."""
    most_rows: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many rows it may answer; `business.most_rows` if not said. An answer of more counts as none."""

    @field_validator("sql")
    @classmethod
    def _reads(cls, sql: str) -> str:
        if reason := refusal(sql):
            raise ValueError(reason)
        return sql

    def query(self) -> Query:
        """The query."""
        return Query(self.sql, tuple(one.wanted() for one in self.metrics))


class BusinessSettings(Section):
    """Figures from the application's own database."""

    database: ConnectionSettings | None = None
    """Where it is; without it nothing is asked. The role needs SELECT on the tables and nothing else."""
    timezone: str = "Asia/Jakarta"
    """In which a day begins."""
    interval_seconds: Interval = 60.0
    """How often each query is asked."""
    statement_timeout_seconds: Timeout = 10.0
    """How long the server may work on one."""
    most_rows: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """How many rows one may answer."""
    most_connections: Annotated[int, Field(ge=1, le=20)] = 2
    """How many queries are asked at once."""
    default_queries: list[DefaultQuery] = [*get_args(DefaultQuery)]
    """Which of the default queries are asked."""
    queries: Annotated[list[BusinessQuerySettings], Field(max_length=500)] = []
    """Queries of one's own."""

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name[:80]!r} is not a time zone, such as Asia/Jakarta") from None
        return name

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        names_differ((one.name for one in self.queries), "queries")
        return self

    def all_queries(self) -> dict[str, Query]:
        """Every query that is asked, by name; nothing without a database."""
        own = {one.name: one.query() for one in self.queries}
        return {name: DEFAULTS[name] for name in self.default_queries} | own
