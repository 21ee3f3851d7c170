"""The live stream: Server-Sent Events to browsers that are open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import Counter, Gauge
from pydantic import BaseModel
from sse_starlette import ServerSentEvent

CLIENTS = Gauge("pantau_api_stream_clients", "Live streams that are open")
ENDED = Counter("pantau_api_stream_ended_total", "Live streams that ended, by reason", ["reason"])
EVENTS = Counter("pantau_api_stream_events_total", "Events offered to live streams, by kind", ["event"])

MOST_WAITING = 256
CHECK_SECONDS = 15.0
RETRY_MS = 3_000

Kind = Literal["alert", "muting", "health", "metrics"]


class TooManyClients(Exception):
    """No further live stream is possible now."""


@dataclass(eq=False)
class _Client:
    events: asyncio.Queue[tuple[Kind, str] | None] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    slow: bool = False


class Live:
    """Hands each event to every open stream. A client that doesn't keep up is cut off: it comes back and reads anew."""

    def __init__(self, most_clients: int) -> None:
        self._most_clients = most_clients
        self._clients: set[_Client] = set()
        self._closed = False

    @property
    def listened_to(self) -> bool:
        """Whether any stream is open."""
        return bool(self._clients)

    def publish(self, kind: Kind, body: BaseModel) -> None:
        """Offer an event to all streams; never waits."""
        EVENTS.labels(kind).inc()
        if not self._clients:
            return
        text = body.model_dump_json()
        for client in list(self._clients):
            try:
                client.events.put_nowait((kind, text))
            except asyncio.QueueFull:
                client.slow = True
                self._leave(client, "slow")

    def join(self, still_valid: Callable[[], bool]) -> AsyncIterator[ServerSentEvent]:
        """The events from now on, until `still_valid` says no, the client is too slow, or api stops. TooManyClients."""
        if self._closed or len(self._clients) >= self._most_clients:
            raise TooManyClients
        client = _Client()
        self._clients.add(client)
        CLIENTS.set(len(self._clients))
        return self._events(client, still_valid)

    def close(self) -> None:
        """End all streams, for good."""
        self._closed = True
        for client in list(self._clients):
            self._leave(client, "stopping")
            if client.events.full():
                client.events.get_nowait()
            client.events.put_nowait(None)

    async def _events(self, client: _Client, still_valid: Callable[[], bool]) -> AsyncIterator[ServerSentEvent]:
        try:
            yield ServerSentEvent(comment="live", retry=RETRY_MS)
            while still_valid() and not client.slow:
                try:
                    async with asyncio.timeout(CHECK_SECONDS):
                        event = await client.events.get()
                except TimeoutError:
                    continue
                if event is None:
                    return
                yield ServerSentEvent(event=event[0], data=event[1])
            self._leave(client, "expired")
        finally:
            self._leave(client, "left")

    def _leave(self, client: _Client, reason: str) -> None:
        if client in self._clients:
            self._clients.discard(client)
            CLIENTS.set(len(self._clients))
            ENDED.labels(reason).inc()
