"""Alerts as Alertmanager's API v2 takes them: `postableAlerts` of its OpenAPI document."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from services.notifier.core.resending import Push
from shared.messages.message import instant_to_text


@dataclass(frozen=True, slots=True)
class Outside:
    """How others know this Pantau."""

    url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Added to alerts that have no such label."""


def postable_alerts(pushes: Iterable[Push], outside: Outside) -> list[dict[str, Any]]:
    """The body of `POST /api/v2/alerts`."""
    return [_postable(push, outside) for push in pushes]


def generator_url(expr: str, outside: Outside) -> str:
    """Where to look at an expression, in the form that Prometheus gives and other tools take apart."""
    return f"{outside.url}/graph?g0.expr={quote_plus(expr)}&g0.tab=1"


def _postable(push: Push, outside: Outside) -> dict[str, Any]:
    labels = {name: value for name, value in push.labels.items() if value}
    return {
        "labels": {name: value for name, value in outside.labels.items() if value} | labels,
        "annotations": dict(push.annotations),
        "startsAt": instant_to_text(push.starts_at_ms),
        "endsAt": instant_to_text(push.ends_at_ms),
        "generatorURL": generator_url(push.expr, outside),
    }
