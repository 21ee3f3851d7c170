"""History's section of the settings."""

from typing import Annotated

from pydantic import Field

from shared.settings import AdminSettings, CommonSettings, Section

Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionSettings(Section):
    """How long each table's rows are kept, in days."""

    samples: Days = 30
    """Samples. One that is older when it arrives is not stored, and counted."""
    performance_snapshots: Days = 30
    """Snapshots of machines."""
    api_performance_logs: Days = 30
    """Request logs."""
    health_check_results: Days = 30
    """Results of health checks."""
    alert_events: Days = 365
    """Transitions of alerts."""
    alert_logs: Days = 365
    """Episodes of alerts, counted from their end."""
    notification_log: Days = 365
    """Deliveries."""
    audit_log: Days = 730
    """Who changed what."""


class HistorySettings(Section):
    """The writer of time series."""

    admin: AdminSettings = AdminSettings(port=18084)
    """Where /health/live, /health/ready and /metrics are served."""
    retention: RetentionSettings = RetentionSettings()
    """How long rows are kept."""
    retention_interval_seconds: Annotated[float, Field(gt=0)] = 600.0
    """How often partitions are made ahead and what is over is dropped."""
    most_messages: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """Messages stored in one transaction, at most."""
    most_series: Annotated[int, Field(ge=1_000)] = 1_000_000
    """Series remembered in memory (about 200 bytes each); with more, the database is asked again and again."""


class Settings(CommonSettings):
    """What history reads of the settings."""

    history: HistorySettings = HistorySettings()
