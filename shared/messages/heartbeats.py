"""`pantau.heartbeats`: each service instance says that it lives."""

from typing import Literal

from shared.messages.message import Instant, Message


class Heartbeat(Message):
    """Sent every few seconds; keyed by `service/instance`."""

    service: Literal["collector", "health", "alerting", "history", "notifier", "api"]
    instance: str
    """host:pid"""
    at: Instant
    started_at: Instant
    version: str
    interval_ms: int
    """When the next one is due."""
    ready: bool
    not_ready: list[str] = []
    """What it waits for."""
    lag: dict[str, int] = {}
    """Messages behind, by `topic/partition`."""
