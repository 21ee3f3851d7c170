"""Whether each WhatsApp gateway answers, and its sessions are connected."""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.health.check import Check, Finding
from services.health.settings import Settings
from shared import clock
from shared.whatsapp.client import Client, within
from shared.whatsapp.errors import GatewayError
from shared.whatsapp.gateways import parts_of
from shared.whatsapp.settings import GatewaySettings
from shared.whatsapp.told import Session

KIND = "whatsapp"
# What is left of the deadline is for saying that the gateway let it pass.
OWN_SHARE = 0.9
# Names in the details; their number is told beside them.
MOST_NAMED = 20


class GatewayCheck:
    """One gateway: unhealthy if it can't be asked, degraded if a session is not connected."""

    kind = KIND

    def __init__(self, name: str, gateway: GatewaySettings, interval_seconds: float, deadline_seconds: float) -> None:
        self.name, self.gateway = name, gateway.name
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds
        self.secrets = gateway.secrets()
        self._parts = parts_of(gateway)

    async def run(self) -> Finding:
        """Ask all that there is of the gateway, side by side."""
        now_ms = clock.now_ms()
        async with Client() as client:
            asked = [within(OWN_SHARE * self.deadline_seconds, ask(client, now_ms)) for ask in self._parts.values()]
            answers = await asyncio.gather(*asked, return_exceptions=True)
        errors = [one for one in answers if isinstance(one, BaseException)]
        unforeseen = next((one for one in errors if not isinstance(one, GatewayError)), None)
        if unforeseen is not None:
            raise unforeseen
        sessions = [one for answer in answers if not isinstance(answer, BaseException) for one in answer.sessions]
        return judge(sessions, [one for one in errors if isinstance(one, GatewayError)])


def judge(sessions: Sequence[Session], errors: Sequence[GatewayError]) -> Finding:
    """The finding for the sessions that were told and what could not be asked."""
    apart = [session for session in sessions if not session.connected]
    details: dict[str, Any] = {
        "connected": bool(sessions) and not apart and not errors,
        "sessions": {session.name: session.state for session in sessions[:MOST_NAMED]},
        "disconnected": len(apart),
    }
    if errors:
        details |= {"reason": errors[0].reason, "error": str(errors[0])}
        return Finding("unhealthy", details)
    if not sessions:
        # A page that tells of the queue alone answers: nobody said that anything is disconnected.
        return Finding("healthy", {"sessions": {}})
    return Finding("degraded" if apart else "healthy", details)


def checks(settings: Settings) -> list[Check]:
    """One check for a single gateway, `whatsapp`; of several, each has its own, `whatsapp:<name>`."""
    own, check = settings.health, settings.health.whatsapp
    gateways = [one for one in settings.whatsapp.gateways if parts_of(one)]
    if not check.enabled or not gateways:
        return []
    interval, deadline = own.interval_of(check), own.deadline_of(check)
    alone = len(gateways) == 1
    return [GatewayCheck(KIND if alone else f"{KIND}:{one.name}", one, interval, deadline) for one in gateways]
