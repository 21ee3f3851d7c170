"""Webhooks as WAHA sends them: signed over the body, tried again in order, given up after a while."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter, deque
from collections.abc import Collection
from typing import Any

import aiohttp

from infra.simulator.whatsapp.gateway import ENGINE, VERSION, Gateway, Happening

EVENTS = ("session.status", "message.any", "message.ack")
MOST_WAITING = 10_000
MOST_ATTEMPTS = 15
SECONDS = 10.0


def body_of(happening: Happening) -> bytes:
    """What is posted."""
    document: dict[str, Any] = {
        "id": f"evt_{happening.number:026d}",
        "timestamp": happening.at_ms,
        "event": happening.event,
        "session": happening.session,
        "me": {"id": "628110000000@c.us", "pushName": "Billing"},
        "payload": dict(happening.payload),
        "engine": ENGINE,
        "environment": {"version": VERSION, "engine": ENGINE, "tier": "CORE"},
    }
    return json.dumps(document).encode()


def headers_of(body: bytes, happening: Happening, key: str) -> dict[str, str]:
    """With the signature, as far as there is a key."""
    headers = {
        "Content-Type": "application/json",
        "X-Webhook-Request-Id": f"req_{happening.number}",
        "X-Webhook-Timestamp": str(happening.at_ms),
    }
    if key:
        headers["X-Webhook-Hmac"] = hmac.new(key.encode(), body, hashlib.sha512).hexdigest()
        headers["X-Webhook-Hmac-Algorithm"] = "sha512"
    return headers


class Webhooks:
    """Posts what happened to `url`."""

    def __init__(self, gateway: Gateway, url: str, events: Collection[str] = EVENTS) -> None:
        self._gateway, self._url, self._events = gateway, url, frozenset(events)
        self._waiting: deque[Happening] = deque()
        self._attempts: Counter[int] = Counter()
        self._turn = asyncio.Lock()
        self.outcomes: Counter[str] = Counter()
        """By the answer's status; `dropped` where there was no more room or patience."""

    async def deliver(self) -> None:
        """Post what waits, in order; what is not taken stays for the next time."""
        async with self._turn:
            self._take()
            timeout = aiohttp.ClientTimeout(total=SECONDS)
            async with aiohttp.ClientSession(timeout=timeout) as session:
                while self._waiting and await self._post(session, self._waiting[0]):
                    del self._attempts[self._waiting.popleft().number]

    def _take(self) -> None:
        for happening in sorted(self._gateway.happened):
            if happening.event not in self._events:
                continue
            if len(self._waiting) == MOST_WAITING:
                self._waiting.popleft()
                self.outcomes["dropped"] += 1
            self._waiting.append(happening)
        self._gateway.happened.clear()

    async def _post(self, session: aiohttp.ClientSession, happening: Happening) -> bool:
        """Whether it is done with."""
        body = body_of(happening)
        headers = headers_of(body, happening, self._gateway.plan.webhook_key)
        self._attempts[happening.number] += 1
        try:
            async with session.post(self._url, data=body, headers=headers) as response:
                self.outcomes[str(response.status)] += 1
                if response.status < 300:
                    return True
        except (aiohttp.ClientError, TimeoutError):
            self.outcomes["unreachable"] += 1
        if self._attempts[happening.number] < MOST_ATTEMPTS:
            return False
        self.outcomes["dropped"] += 1
        return True
