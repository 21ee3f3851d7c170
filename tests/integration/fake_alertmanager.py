"""An Alertmanager as its API v2 is described: it refuses what the real one refuses, and holds alerts as that does.

What is checked is `postableAlerts` of Alertmanager's api/v2/openapi.yaml and the validation of its API: a non-empty
label set, names and values of labels, RFC 3339 times, an end not before the beginning. Alerts are told apart by their
labels; the earliest beginning and the latest word stand.
"""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from aiohttp import web

Answer = int | Literal["hang", "reset"]
"""A status (200: as the real one decides), or no answer, or a connection that is cut."""

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MEMBERS = {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}


@dataclass(frozen=True)
class Held:
    """An alert as it stands."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    generator_url: str

    def resolved(self) -> bool:
        """Whether it is over by now."""
        return self.ends_at <= datetime.now(UTC)  # noqa: TID251  (an Alertmanager has a clock of its own)


@dataclass
class FakeAlertmanager:
    """`answer` decides about each request; `posts` are the bodies in the order in which they came."""

    answer: Callable[[], Answer] = lambda: 200
    authorization: str | None = None
    posts: list[list[dict[str, Any]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why the real one would have refused a request."""
    held: dict[frozenset[tuple[str, str]], Held] = field(default_factory=dict)
    url: str = ""
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, name: str) -> list[dict[str, Any]]:
        """What was posted of the alerts of one name, in order."""
        return [alert for body in self.posts for alert in body if alert["labels"]["alertname"] == name]

    def alert(self, name: str) -> Held | None:
        """The alert of this name as it stands."""
        return next((one for one in self.held.values() if one.labels["alertname"] == name), None)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """`POST /api/v2/alerts`."""
        answer = self.answer()
        raw = await request.read()
        if answer == "hang":
            await self.hanging.wait()
            return web.Response(status=500)
        if answer == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        if answer != 200:
            return web.json_response("not now", status=answer)
        return self._take(request, raw)

    def _take(self, request: web.Request, raw: bytes) -> web.Response:
        if self.authorization is not None and request.headers.get("Authorization") != self.authorization:
            self.refused.append("nobody we know")
            return web.Response(status=401)
        if request.content_type != "application/json":
            self.refused.append(f"unsupported media type {request.content_type}")
            return web.json_response({"code": 415}, status=415)
        try:
            alerts = _checked_shape(json.loads(raw))
        except ValueError as error:
            self.refused.append(str(error))
            return web.json_response({"code": 422, "message": str(error)}, status=422)
        self.posts.append(alerts)
        problems = [problem for alert in alerts if (problem := self._put(alert))]
        if problems:
            self.refused += problems
            return web.json_response("; ".join(problems), status=400)
        return web.Response(status=200)

    def _put(self, alert: dict[str, Any]) -> str | None:
        """Hold the alert, or say why it is none."""
        labels = {name: value for name, value in alert["labels"].items() if value != ""}
        starts_at, ends_at = datetime.fromisoformat(alert["startsAt"]), datetime.fromisoformat(alert["endsAt"])
        if not labels:
            return "at least one label pair required"
        for name in (*labels, *alert["annotations"]):
            if not LABEL_NAME.fullmatch(name):
                return f"invalid name {name}"
        if ends_at < starts_at:
            return "start time must be before end time"
        key = frozenset(labels.items())
        before = self.held.get(key)
        if before is not None and before.starts_at < ends_at and starts_at < before.ends_at:
            starts_at = min(starts_at, before.starts_at)
        self.held[key] = Held(labels, alert["annotations"], starts_at, ends_at, alert["generatorURL"])
        return None


def _checked_shape(body: Any) -> list[dict[str, Any]]:
    """The body if it is of the form `postableAlerts`; ValueError if not."""
    if not isinstance(body, list):
        raise ValueError("the body is no list")
    for alert in body:
        if not isinstance(alert, dict) or set(alert) != MEMBERS:
            raise ValueError(f"not the members of an alert: {alert}")
        for texts in (alert["labels"], alert["annotations"]):
            if not isinstance(texts, dict) or not all(isinstance(value, str) for value in texts.values()):
                raise ValueError(f"not texts by name: {texts}")
        for time in (alert["startsAt"], alert["endsAt"]):
            if not isinstance(time, str) or not RFC_3339.fullmatch(time):
                raise ValueError(f"{time} is no date-time")
        if urlsplit(alert["generatorURL"]).scheme not in ("http", "https"):
            raise ValueError("generatorURL is no URI")
    return body


@asynccontextmanager
async def alertmanager(
    fake: FakeAlertmanager, prefix: str = "", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[FakeAlertmanager]:
    """`fake` answers below its `url` for as long as the block lasts."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post(f"{prefix}/api/v2/alerts", fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    fake.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}{prefix}"
    try:
        yield fake
    finally:
        fake.hanging.set()
        await runner.cleanup()
