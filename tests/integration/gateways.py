"""A simulated WhatsApp gateway in tests, and the settings that watch it."""

from pathlib import Path
from typing import Any, TypeVar

import yaml

from infra.simulator.whatsapp.gateway import Plan
from infra.simulator.whatsapp.served import ServedGateway
from services.collector.source import Reading
from shared.messages.series import labels_of
from shared.settings import CommonSettings, load
from tests.integration.routers import StandingClock

S = TypeVar("S", bound=CommonSettings)

POINTERS = {
    "queue_size": "/queue/size",
    "oldest_at": "/queue/oldest_at",
    "messages": "/messages",
}


def served(time: StandingClock, **plan: Any) -> ServedGateway:
    """A gateway at that time."""
    return ServedGateway(Plan(**plan), now_ms=time)


def entry(one: ServedGateway, **more: object) -> dict[str, object]:
    """How it is written in `whatsapp.gateways`, with the application's page about its queue."""
    waha = {"url": one.url, "api_key": one.plan.api_key, "sessions": list(one.plan.sessions)}
    return {"name": "billing", "waha": waha, "status": {"url": one.status_url, **POINTERS}, **more}


def settings(kind: type[S], path: Path, *gateways: dict[str, object], **more: Any) -> S:
    """What a service reads from a `pantau.yaml` with these gateways; `more`: other sections, or keys of `whatsapp`."""
    sections: dict[str, Any] = {name: more.pop(name) for name in ("health", "heartbeats") if name in more}
    document: dict[str, Any] = {"collector": {"host": "mon-1"}, "whatsapp": {"gateways": [*gateways], **more}}
    document.update(sections)
    file = path / "pantau.yaml"
    file.write_text(yaml.safe_dump(document))
    return load(kind, {}, file)


class Values:
    """The samples of a reading, by metric and labels."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._values = {sample.series: sample.value for sample in reading.samples}
        assert len(self._values) == len(reading.samples), "no series twice"

    def all(self, metric: str, *labels: str) -> dict[Any, float]:
        """The values of `metric`, by these labels (one: its value, several: a tuple of them)."""
        found = {}
        for series, value in self._values.items():
            known = labels_of(series)
            if known["__name__"] == metric:
                found[known[labels[0]] if len(labels) == 1 else tuple(known[name] for name in labels)] = value
        return found

    def one(self, metric: str, **labels: str) -> float:
        """The value of the only series of `metric` with these labels."""
        (value,) = [
            value
            for series, value in self._values.items()
            if (known := labels_of(series))["__name__"] == metric and labels.items() <= known.items()
        ]
        return value

    def has(self, metric: str) -> bool:
        """Whether there is any series of `metric`."""
        return any(labels_of(series)["__name__"] == metric for series in self._values)

    def errors(self) -> dict[str, float]:
        """The errors that were counted, by reason."""
        return {reason: n for reason, n in self.all("whatsapp_errors_total", "reason").items() if n}
