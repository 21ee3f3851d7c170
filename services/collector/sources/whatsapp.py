"""WhatsApp gateways: WAHA, Meta's Cloud API, or any JSON status; and canary messages through WAHA."""

import asyncio
from collections import Counter

import structlog

from services.collector.core.histogram import Histogram
from services.collector.core.whatsapp import readings
from services.collector.core.whatsapp.canary import Canary, Result, judged
from services.collector.settings import Settings
from services.collector.source import Reading, Source
from shared import clock
from shared.messages.message import instant_to_text
from shared.messages.samples import Sample
from shared.whatsapp import metrics as m
from shared.whatsapp.client import Client, within
from shared.whatsapp.errors import REASONS, GatewayError
from shared.whatsapp.gateways import Ask, parts_of, waha_acknowledgement, waha_send, waha_version
from shared.whatsapp.metrics import COLLECTED as METRICS
from shared.whatsapp.settings import CanarySettings, GatewaySettings, WahaSettings, WhatsappSettings
from shared.whatsapp.told import Told

__all__ = ["METRICS", "CanarySource", "WhatsappSource", "sources"]

log = structlog.get_logger()

LATENCY_BOUNDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
# What is left of the deadline is for saying that the gateway let it pass.
OWN_SHARE = 0.9
# How often WAHA is asked whether the canary has been acknowledged.
LOOK_SECONDS = 1.0
# Beside the canary's own deadline: for sending it, and for telling.
CANARY_SLACK_SECONDS = 20.0


class WhatsappSource:
    """Asks all parts of one gateway side by side; what can't be read costs only its own samples."""

    metrics = METRICS
    reasons: tuple[str, ...] = ()  # whatsapp_errors_total counts them

    def __init__(self, host: str, settings: WhatsappSettings, gateway: GatewaySettings) -> None:
        """`host` is this machine, whose reading it is; `gateway` is one of `settings`."""
        self.host, self.name = host, f"whatsapp/{gateway.name}"
        self.origin = f"collector/{host}/{self.name}"
        self.interval_seconds = settings.interval_seconds
        self.deadline_seconds = min(settings.deadline_seconds, settings.interval_seconds)
        self._gateway, self._parts, self._waha = gateway.name, parts_of(gateway), gateway.waha
        self._latency = Histogram(m.LATENCY, LATENCY_BOUNDS)
        self._errors: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self._failed: dict[str, str] = {}
        self._version = ""

    async def read(self, now_ms: int) -> Reading:
        """One reading. It never raises what the gateway does: one that is down is a reading too."""
        async with Client(self._measured) as client:
            if self._waha is not None and not self._version:
                self._version = await self._ask_version(client, self._waha)
            parts = await asyncio.gather(*(self._part(name, client, now_ms) for name in self._parts))
        samples: list[Sample] = []
        problems: list[str] = []
        failures: list[str] = []
        for told in parts:
            if isinstance(told, GatewayError):
                failures.append(told.reason)
            else:
                samples += readings.samples(self._gateway, self.host, now_ms, told)
                problems += ["bad_value"] * len(told.problems)
        # Of several, the first is the reading's; the others are counted beside it.
        problems += failures[1:]
        self._errors.update([*problems, *failures[:1]])
        about = [
            m.UP.sample(now_ms, not failures, gateway=self._gateway),
            *(m.ERRORS.sample(now_ms, self._errors[one], gateway=self._gateway, reason=one) for one in REASONS),
        ]
        failure = failures[0] if failures else ""
        return Reading([*samples, *about, *self._latency.samples(now_ms)], tuple(problems), failure)

    async def _part(self, name: str, client: Client, now_ms: int) -> Told | GatewayError:
        ask: Ask = self._parts[name]
        try:
            told = await within(OWN_SHARE * self.deadline_seconds, ask(client, now_ms))
        except GatewayError as error:
            self._note(name, error.reason, str(error))
            return error
        self._note(name, "bad_value" if told.problems else "", "; ".join(told.problems))
        if told.kind == "waha":
            return Told(told.sessions, told.states, told.kind, self._version, told.engine)
        return told

    async def _ask_version(self, client: Client, waha: WahaSettings) -> str:
        try:
            return await within(0.3 * self.deadline_seconds, waha_version(client, waha))
        except GatewayError:
            return ""  # whatever is wrong, asking for the sessions tells it; this is tried again

    def _note(self, part: str, reason: str, text: str) -> None:
        before = self._failed.get(part, "")
        if reason and reason != before:  # once, not at every attempt
            log.warning("gateway can't be read", gateway=self._gateway, part=part, reason=reason, error=text)
        elif before and not reason:
            log.info("gateway answers again", gateway=self._gateway, part=part)
        self._failed[part] = reason

    def _measured(self, method: str, endpoint: str, taken: float) -> None:
        self._latency.observe(taken, gateway=self._gateway, method=method, endpoint=endpoint)


class CanarySource:
    """Sends a message now and then and waits for its acknowledgement: a source of its own, so that no other waits."""

    metrics = METRICS
    reasons: tuple[str, ...] = ()

    def __init__(
        self, host: str, settings: WhatsappSettings, gateway: str, waha: WahaSettings, canary: CanarySettings
    ) -> None:
        self.host, self.name = host, f"whatsapp/{gateway}/canary"
        self.origin = f"collector/{host}/{self.name}"
        # What it found is told at each reading, also when none is due, so that it doesn't go stale.
        self.deadline_seconds = canary.deadline_seconds + CANARY_SLACK_SECONDS
        self.interval_seconds = max(settings.interval_seconds, self.deadline_seconds)
        self._waha, self._settings = waha, canary
        self._canary = Canary(gateway, canary.session, canary.every_seconds)

    async def read(self, now_ms: int) -> Reading:
        """Send one if it is due, wait for what becomes of it, and tell."""
        if self._canary.due(now_ms):
            began = clock.elapsed()
            result = await self._send(now_ms)
            self._canary.ended(now_ms, result, clock.elapsed() - began)
        return Reading(self._canary.samples(now_ms))

    async def _send(self, now_ms: int) -> Result:
        settings = self._settings
        text = f"{settings.text} {instant_to_text(now_ms)}"
        try:
            async with asyncio.timeout(settings.deadline_seconds), Client() as client:
                message, ack = await waha_send(client, self._waha, settings.session, settings.to, text)
                return await self._acknowledged(client, message, ack)
        except TimeoutError:
            log.warning("canary message was not acknowledged in time", source=self.name, session=settings.session)
            return "late"
        except GatewayError as error:
            log.warning("canary message was not sent", source=self.name, reason=error.reason, error=str(error))
            return "unsent"

    async def _acknowledged(self, client: Client, message: str, ack: int) -> Result:
        settings = self._settings
        while (result := judged(ack, settings.acknowledged_by)) is None:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                ack = await waha_acknowledgement(client, self._waha, settings.session, settings.to, message)
            except GatewayError as error:
                # It was taken, so it is only late if nobody can tell by the deadline.
                log.info("canary can't be looked up", source=self.name, reason=error.reason, error=str(error))
        return result


def sources(settings: Settings) -> list[Source]:
    """A source for each gateway of the section `whatsapp`, and one for each canary."""
    host, whatsapp = settings.collector.host, settings.whatsapp
    found: list[Source] = []
    for gateway in whatsapp.gateways:
        if parts_of(gateway):
            found.append(WhatsappSource(host, whatsapp, gateway))
        if gateway.canary is not None and gateway.waha is not None:
            found.append(CanarySource(host, whatsapp, gateway.name, gateway.waha, gateway.canary))
    return found
