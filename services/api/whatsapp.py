"""Webhooks of WhatsApp gateways: checked, counted, and on the bus before they are answered."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from prometheus_client import Counter

from services.api.core.whatsapp.book import Book
from services.api.core.whatsapp.events import BadWebhook, Event, cloud_events, waha_events
from services.api.core.whatsapp.signatures import answer_to_handshake, meta_signed, waha_signed
from services.api.problems import Problem
from services.api.reporting import Reporter
from shared import clock
from shared.bus import Producer
from shared.messages.samples import Sample
from shared.whatsapp.settings import GatewaySettings, WhatsappSettings

REFUSED = Counter("pantau_api_webhooks_refused_total", "Webhooks that were not taken, by reason", ["reason"])


class Webhooks:
    """Those of all gateways that have a key for them."""

    def __init__(self, settings: WhatsappSettings, producer: Producer, instance: str, deadline_seconds: float) -> None:
        window_ms = round(settings.webhook_window_seconds * 1000)
        self._gateways = {one.name: one for one in settings.gateways if _key(one) is not None}
        self._books = {name: Book(name, instance, window_ms, settings.most_messages) for name in self._gateways}
        self.reporter = Reporter("webhooks", producer, instance, self._samples, deadline_seconds)

    def handshake(self, name: str, query: Mapping[str, str]) -> str:
        """What Meta wants to hear. Problem 403 if it isn't Meta."""
        gateway = self._gateways.get(name)
        token = gateway.cloud.verification() if gateway is not None and gateway.cloud is not None else None
        answer = answer_to_handshake(query, token) if token is not None else None
        if answer is None:
            REFUSED.labels("handshake").inc()
            raise Problem(403, "That is not the verify token of a gateway here.")
        return answer

    async def take(self, name: str, body: bytes, headers: Mapping[str, str]) -> int:
        """How many events it told; they are counted, and the counters on the bus. Problem 403 if nobody here knows the
        sender, 400 or 422 if it isn't what its gateway's webhooks are. BusUnavailable."""
        gateway = self._gateways.get(name)
        if gateway is None or not _signed(gateway, body, headers):
            REFUSED.labels("signature").inc()
            raise Problem(403, "No gateway of that name takes webhooks here, or the signature is not its own.")
        book, now_ms = self._books[name], clock.now_ms()
        try:
            told = self._read(gateway, json.loads(body), now_ms)
        except BadWebhook as error:
            book.refused()
            raise Problem(422, f"body: {error}") from None
        except (ValueError, RecursionError):
            book.refused()
            raise Problem(400, "body: not JSON") from None
        for teller, events in told.items():
            self._books[teller].put(events, now_ms)
        for teller, events in told.items():
            if events:
                await self.reporter.report(teller)
        return sum(map(len, told.values()))

    def _read(self, gateway: GatewaySettings, document: Any, now_ms: int) -> dict[str, list[Event]]:
        """What a webhook tells, by gateway: Meta has one address for all numbers of an app. BadWebhook."""
        if gateway.cloud is None:
            return {gateway.name: waha_events(document, now_ms)}
        found = {gateway.name: cloud_events(document, gateway.cloud.phone_number_id)}
        for name, other in self._gateways.items():
            if other.cloud is not None and name != gateway.name and _key(other) == _key(gateway):
                events = cloud_events(document, other.cloud.phone_number_id)
                found |= {name: events} if events else {}
        return found

    def _samples(self, now_ms: int, names: Collection[str] | None) -> list[Sample]:
        books = [self._books[name] for name in (self._books if names is None else names)]
        return [sample for book in books for sample in book.samples(now_ms)]


def _key(gateway: GatewaySettings) -> str | None:
    signer = gateway.waha or gateway.cloud
    return None if signer is None else signer.webhook_key()


def _signed(gateway: GatewaySettings, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        key = _key(gateway)
    except ValueError:  # its file is gone since the start
        return False
    if key is None:
        return False
    return waha_signed(body, headers, key) if gateway.waha is not None else meta_signed(body, headers, key)
