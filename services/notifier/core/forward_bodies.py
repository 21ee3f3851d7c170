"""Points as Datadog and New Relic take them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.notifier.core.forwarding import Point
from shared.messages.series import NAME

_UNFIT_FOR_DATADOG = re.compile(r"[^A-Za-z0-9_.]")
LONGEST_NAME, LONGEST_TAG = 200, 200
# Datadog's numbers for types.
_COUNT, _GAUGE = 1, 3
# What this label says is what Datadog calls the host.
HOST = "host"
LONGEST_ATTRIBUTE = 4_096


def datadog_series(points: Sequence[Point], interval_seconds: int, prefix: str, tags: Sequence[str]) -> dict[str, Any]:
    """The body of `POST /api/v2/series`."""
    return {"series": [_datadog(one, interval_seconds, prefix, tags) for one in points]}


def newrelic_metrics(
    points: Sequence[Point], interval_seconds: int, prefix: str, attributes: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The body of `POST /metric/v1`."""
    common: dict[str, Any] = {"attributes": {"instrumentation.provider": "pantau", **attributes}}
    return [{"common": common, "metrics": [_newrelic(one, interval_seconds, prefix) for one in points]}]


def _datadog(point: Point, interval_seconds: int, prefix: str, tags: Sequence[str]) -> dict[str, Any]:
    name = _UNFIT_FOR_DATADOG.sub(lambda found: "." if found[0] == ":" else "_", prefix + point.labels[NAME])
    own = [f"{label}:{value}"[:LONGEST_TAG] for label, value in sorted(point.labels.items()) if label != NAME]
    series: dict[str, Any] = {
        "metric": name[:LONGEST_NAME],
        "type": _COUNT if point.kind == "count" else _GAUGE,
        "points": [{"timestamp": point.time_ms // 1000, "value": point.value}],
        "tags": [*tags, *own],
    }
    if point.kind == "count":
        series["interval"] = interval_seconds
    if HOST in point.labels:
        series["resources"] = [{"type": "host", "name": point.labels[HOST]}]
    return series


def _newrelic(point: Point, interval_seconds: int, prefix: str) -> dict[str, Any]:
    metric: dict[str, Any] = {
        "name": (prefix + point.labels[NAME])[:LONGEST_NAME],
        "type": point.kind,
        "value": point.value,
        "timestamp": point.time_ms,
        "attributes": {
            label: value.encode()[:LONGEST_ATTRIBUTE].decode(errors="ignore")
            for label, value in sorted(point.labels.items())
            if label != NAME
        },
    }
    if point.kind == "count":
        metric["interval.ms"] = interval_seconds * 1000
    return metric
