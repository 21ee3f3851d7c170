"""Time intervals of chance: a real Alertmanager mutes, now, the routes of those that are on now by our reckoning."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared import clock
from shared.routing.configuration import Routing, parse_routing
from shared.routing.intervals import is_in
from tests.conftest import eventually
from tests.integration.alertmanager_peer import PeerAlert, alertmanager, needs_alertmanager
from tests.integration.recording_webhooks import recording

pytestmark = [pytest.mark.peers, needs_alertmanager]

INTERVALS = 150
ZONES = ("Asia/Jakarta", "America/New_York", "Europe/Berlin", "Pacific/Kiritimati", "Asia/Kathmandu", "UTC")
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = ("january", "march", "june", "september", "november", "december")
HOUR_MS = 3_600_000


def _weekdays(chance: random.Random) -> list[str]:
    first, last = sorted(chance.choices(range(7), k=2))
    return [f"{WEEKDAYS[first]}:{WEEKDAYS[last]}", chance.choice(WEEKDAYS)]


def _days(chance: random.Random) -> list[str]:
    first, last = sorted(chance.choices(range(1, 32), k=2))
    before, after = sorted(chance.choices(range(-31, 0), k=2))
    return chance.choice(
        ([f"{first}:{last}"], [f"{before}:{after}"], [f"{first % 10 + 1}:-1"], [str(after), str(last)])
    )


def _months(chance: random.Random) -> list[str]:
    first, last = sorted(chance.choices(range(1, 13), k=2))
    return [f"{first}:{last}", chance.choice(MONTHS)]


def _times(chance: random.Random) -> list[dict[str, str]]:
    quarters = sorted(chance.sample(range(97), 4))
    texts = [f"{quarter // 4:02d}:{quarter % 4 * 15:02d}" for quarter in quarters]
    return [{"start_time": texts[0], "end_time": texts[1]}, {"start_time": texts[2], "end_time": texts[3]}]


def _span(chance: random.Random) -> dict[str, Any]:
    makers = {"weekdays": _weekdays, "days_of_month": _days, "months": _months, "times": _times}
    span: dict[str, Any] = {key: make(chance) for key, make in makers.items() if chance.random() < 0.4}
    if chance.random() < 0.2:
        span["years"] = [chance.choice(("2020:2100", "1999"))]
    return span | {"location": chance.choice(ZONES)}


def configuration(webhooks: str) -> dict[str, Any]:
    """Each interval mutes a route of its own; one more route is never muted."""
    chance = random.Random(7)
    names = [f"i{number}" for number in range(INTERVALS)]
    always = {"receiver": "always", "continue": True}
    return {
        "route": {
            "receiver": "always",
            "group_wait": "0s",
            "routes": [{"receiver": name, "mute_time_intervals": [name], "continue": True} for name in names]
            + [always],
        },
        "receivers": [{"name": name, "webhook_configs": [{"url": webhooks + name}]} for name in [*names, "always"]],
        "time_intervals": [
            {"name": name, "time_intervals": [_span(chance) for _ in range(chance.choice((1, 1, 2)))]} for name in names
        ],
    }


async def test_alertmanager_mutes_what_is_on_by_our_reckoning(tmp_path: Path) -> None:
    async with recording() as recorder:
        given = configuration(recorder.url)
        routing = parse_routing(yaml.safe_dump(given), "chance")
        async with alertmanager(given, tmp_path) as peer:
            before = _on(routing, clock.now_ms())
            await peer.post_alerts([PeerAlert({"alertname": "tick"}, clock.now_ms(), clock.now_ms() + HOUR_MS)])
            wanted = {"always", *routing.time_intervals} - before

            async def all_told() -> bool:
                return len({path for path, _ in recorder.requests}) >= len(wanted)

            await eventually(all_told)
        changed = before ^ _on(routing, clock.now_ms())  # a quarter of an hour may have begun meanwhile
    assert {path for path, _ in recorder.requests} - changed == wanted - changed
    assert len(before) > INTERVALS // 10
    assert len(wanted) > INTERVALS // 10


def _on(routing: Routing, now_ms: int) -> set[str]:
    return {name for name, interval in routing.time_intervals.items() if is_in(interval, now_ms)}
