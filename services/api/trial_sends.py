"""Test messages: asked for over the bus, and waited for in the ledger of deliveries."""

import asyncio
import uuid
from dataclasses import dataclass, field

from prometheus_client import Counter

from services.api.audit import Author, entry
from services.api.core.receiver_bodies import TestBody, TestDeliveryBody
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.notification_requests import NotificationRequest
from shared.messages.notifications import Notification
from shared.messages.topics import AUDIT, NOTIFICATION_REQUESTS

SENDS = Counter("pantau_api_trial_sends_total", "Test messages to receivers, by what became of them", ["outcome"])
# After an outcome so long is waited for deliveries to other destinations that have not been planned yet.
SETTLING_SECONDS = 0.5


class TooManyTrials(Exception):
    """This receiver, or enough others, are being tried."""


@dataclass
class _Trial:
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    steps: dict[str, Notification] = field(default_factory=dict)
    """By destination the last one."""

    @property
    def ended(self) -> bool:
        return bool(self.steps) and all(one.state in ("sent", "failed") for one in self.steps.values())


class TrialSends:
    """Asks notifier, at most once at a time for each receiver."""

    def __init__(self, producer: Producer, deadline_seconds: float, most: int) -> None:
        self._producer, self._deadline_seconds, self._most = producer, deadline_seconds, most
        self._trials: dict[str, _Trial] = {}
        self._receivers: set[str] = set()

    async def send(self, receiver: str, author: Author) -> TestBody:
        """What became of it within the deadline. TooManyTrials at once; BusUnavailable."""
        if receiver in self._receivers or len(self._receivers) >= self._most:
            SENDS.labels("refused").inc()
            raise TooManyTrials
        request = NotificationRequest(id=uuid.uuid4().hex, receiver=receiver, at=clock.now_ms(), by=author.name)
        trial = self._trials[request.id] = _Trial()
        self._receivers.add(receiver)
        try:
            await self._ask(request, author)
            await self._wait(trial)
        finally:
            del self._trials[request.id]
            self._receivers.discard(receiver)
        body = _body(request.id, trial)
        SENDS.labels(body.state).inc()
        return body

    def settle(self, one: Notification) -> None:
        """Take a step of a delivery from the bus: it may be of one that is waited for."""
        if one.occasion == "test" and (trial := self._trials.get(one.event_id)) is not None:
            trial.steps[one.destination] = one
            trial.changed.set()

    async def _ask(self, request: NotificationRequest, author: Author) -> None:
        subject = f"receiver/{request.receiver}"
        made = entry(author, "receiver.test", subject, request.at)
        await self._producer.send_all(
            [
                Outgoing(NOTIFICATION_REQUESTS, request.receiver, request, request.id, request.at),
                Outgoing(AUDIT, subject, made, made.id),
            ],
            self._deadline_seconds,
        )

    async def _wait(self, trial: _Trial) -> None:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                while True:
                    await trial.changed.wait()
                    trial.changed.clear()
                    if trial.ended:
                        await asyncio.sleep(SETTLING_SECONDS)
                        if trial.ended:
                            return
                        trial.changed.clear()
        except TimeoutError:
            return  # what is known by now is told


def _body(id: str, trial: _Trial) -> TestBody:
    steps = [trial.steps[name] for name in sorted(trial.steps)]
    failed = [one for one in steps if one.state == "failed"]
    open_ones = [one for one in steps if one.state not in ("sent", "failed")]
    worst = next(iter((*failed, *open_ones)), None)
    reason = worst.reason if worst is not None else None
    if not steps:
        reason = "notifier did not take it up in time: is it running?"
    elif worst is not None and reason is None:
        reason = "no outcome yet"
    latencies = [one.latency_ms for one in steps if one.latency_ms is not None]
    return TestBody(
        id=id,
        state="failed" if failed else "unknown" if open_ones or not steps else "sent",
        reason=reason,
        latency_ms=max(latencies, default=None),
        deliveries=[
            TestDeliveryBody(
                destination=one.destination,
                channel=one.channel,
                state=one.state,
                reason=one.reason,
                latency_ms=one.latency_ms,
            )
            for one in steps
        ],
    )
