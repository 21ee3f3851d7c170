"""Whether each WhatsApp gateway answers, and its sessions are connected; and the worst of them all."""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.health.check import Check, Finding
from services.health.core.results import worse
from services.health.settings import Settings
from shared import clock
from shared.messages.health import Status
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
        self._found: Finding | None = None
        self._has_found = asyncio.Event()

    async def run(self) -> Finding:
        """Ask all that there is of the gateway, side by side."""
        now_ms = clock.now_ms()
        async with Client() as client:
            asked = [within(OWN_SHARE * self.deadline_seconds, ask(client, now_ms)) for ask in self._parts.values()]
            answers = await asyncio.gather(*asked, return_exceptions=True)
        errors = [one for one in answers if isinstance(one, BaseException)]
        unforeseen = next((one for one in errors if not isinstance(one, GatewayError)), None)
        if unforeseen is not None:
            self._found = Finding("unhealthy", {"error": type(unforeseen).__name__})
            self._has_found.set()
            raise unforeseen
        sessions = [one for answer in answers if not isinstance(answer, BaseException) for one in answer.sessions]
        self._found = judge(sessions, [one for one in errors if isinstance(one, GatewayError)])
        self._has_found.set()
        return self._found

    async def found(self) -> Finding:
        """What the last run found; waits for the first one."""
        await self._has_found.wait()
        assert self._found is not None
        return self._found


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


class WorstGatewayCheck:
    """The kind: as bad as its worst gateway. It asks nobody, it only sums up."""

    name = kind = KIND
    secrets: frozenset[str] = frozenset()

    def __init__(self, gateways: Sequence[GatewayCheck], interval_seconds: float) -> None:
        self.interval_seconds = self.deadline_seconds = interval_seconds
        self._gateways = gateways

    async def run(self) -> Finding:
        """The worst of what the gateways' own checks found last."""
        status: Status = "healthy"
        bad: list[str] = []
        for gateway in self._gateways:
            finding = await gateway.found()
            status = worse(status, finding.status)
            if finding.status != "healthy":
                bad.append(gateway.gateway)
        details = {"gateways": len(self._gateways), "not_healthy": len(bad), "not_healthy_gateways": bad[:MOST_NAMED]}
        return Finding(status, details)


def checks(settings: Settings) -> list[Check]:
    """One check for a single gateway, `whatsapp`; of several, each has its own beside it, `whatsapp:<name>`."""
    own, check = settings.health, settings.health.whatsapp
    gateways = [one for one in settings.whatsapp.gateways if parts_of(one)]
    if not check.enabled or not gateways:
        return []
    interval, deadline = own.interval_of(check), own.deadline_of(check)
    alone = len(gateways) == 1
    each = [GatewayCheck(KIND if alone else f"{KIND}:{one.name}", one, interval, deadline) for one in gateways]
    return [*each] if alone else [*each, WorstGatewayCheck(each, interval)]
