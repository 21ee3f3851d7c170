"""How targets are, as Prometheus' `/api/v1/targets` tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from services.collector.core.scrape.targets import Target
from shared.promql.durations import duration_text


@dataclass(frozen=True)
class TargetStatus:
    """One target after its last scrape."""

    job: str
    target: Target
    health: Literal["up", "down", "unknown"] = "unknown"
    error: str = ""
    at_ms: int | None = None
    seconds: float = 0.0

    def body(self) -> dict[str, Any]:
        """As JSON has it. Parameters of the URL are left out: they may be secrets."""
        at = "0001-01-01T00:00:00Z"
        if self.at_ms is not None:
            at = (
                datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            )
        url = self.target.url.partition("?")[0]
        return {
            "discoveredLabels": {
                name: value for name, value in self.target.discovered if not name.startswith("__param_")
            },
            "labels": dict(self.target.labels),
            "scrapePool": self.job,
            "scrapeUrl": url,
            "globalUrl": url,
            "lastError": self.error,
            "lastScrape": at,
            "lastScrapeDuration": self.seconds,
            "health": self.health,
            "scrapeInterval": duration_text(self.target.interval_ms),
            "scrapeTimeout": duration_text(self.target.timeout_ms),
        }


def page(active: Iterable[TargetStatus], dropped: dict[str, int]) -> dict[str, Any]:
    """The whole answer; `dropped` is how many targets relabelling dropped, by job."""
    return {
        "status": "success",
        "data": {
            "activeTargets": [one.body() for one in active],
            "droppedTargets": [],
            "droppedTargetCounts": dropped,
        },
    }
