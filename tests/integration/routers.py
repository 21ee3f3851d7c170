"""Simulated routers in tests: at a time that stands still until it is moved, so that the truth can be computed."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from infra.simulator.routeros.fleet import Fleet, Served
from infra.simulator.routeros.router import Plan
from services.collector.settings import Settings
from shared.settings import load

SOMETIME_MS = round(datetime(2026, 3, 4, 20, 15, tzinfo=timezone(timedelta(hours=7))).timestamp() * 1000)


class StandingClock:
    """Says the same time until it is moved on."""

    def __init__(self, now_ms: int = SOMETIME_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def move_on(self, seconds: float) -> None:
        """So many seconds pass."""
        self.now_ms += round(seconds * 1000)


def fleet(time: StandingClock, *plans: Plan, **options: Any) -> Fleet:
    """Routers at that time."""
    return Fleet(plans, now_ms=time, **options)


def entry(served: Served, **more: object) -> dict[str, object]:
    """How the router is written in `mikrotik.routers`."""
    plan = served.router.plan
    login = {"username": plan.username, "password": plan.password}
    return {"name": plan.name, "host": "127.0.0.1", "port": served.port, **login, **more}


def settings(path: Path, *routers: dict[str, object], **section: object) -> Settings:
    """What the collector reads from a `pantau.yaml` with these routers."""
    path.write_text(yaml.safe_dump({"collector": {"host": "mon-1"}, "mikrotik": {"routers": [*routers], **section}}))
    return load(Settings, {}, path)
