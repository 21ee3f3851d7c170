"""An api with routes, people and the key of links, and alerts that fire; without a database."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from services.api.core.access import hash_of
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.access import Role, Token
from shared.messages.alerts import CurrentAlert, alert_id, event_id, fingerprint
from shared.messages.topics import ACCESS, ALERT_STATE
from tests.conftest import eventually
from tests.integration.api_process import Api, running_api

NO_DATABASE = "postgresql://pantau@127.0.0.1:1/pantau"
KEY = "0123456789abcdef0123456789abcdef"
SETTINGS = f"""
notifications:
  global: {{smtp_smarthost: "mail.example.net:587", smtp_from: pantau@example.net, smtp_auth_password: hunter2}}
  route:
    receiver: ops
    group_by: [alertname]
    routes:
      - {{matchers: ['severity="critical"'], receiver: page, immediate: true,
          escalation: [{{after: 10m, receiver: boss}}]}}
      - {{matchers: ['team="billing"'], receiver: billing, group_by: [site], mute_time_intervals: [always]}}
  receivers:
    - name: ops
      webhook_configs: [{{url: "http://127.0.0.1:1/hook/very-secret"}}]
    - name: page
      whatsapp_configs: [{{gateway: main, to: [{{on_call: primary}}, {{number: "6281200000009"}}]}}]
      fallback: {{after: 2m, receiver: ops}}
    - name: boss
      email_configs: [{{to: boss@example.net}}]
    - name: billing
      webhook_configs: [{{url: "http://127.0.0.1:1/billing"}}]
  inhibit_rules:
    - {{source_matchers: [alertname="SiteDown"], target_matchers: [severity="warning"], equal: [site]}}
  time_intervals:
    - {{name: always, time_intervals: [{{times: [{{start_time: "00:00", end_time: "24:00"}}]}}]}}
  people:
    - {{name: ani, whatsapp: "6281200000001", quiet_hours: [{{from: "00:00", to: "12:00", except: [critical]}}]}}
    - {{name: budi, whatsapp: "6281200000002"}}
  on_call: [{{name: primary, people: [ani], from: 2026-01-05}}]
  links: {{key: {KEY}}}
"""


@dataclass
class Site:
    """The api, and what makes alerts known to it."""

    api: Api
    producer: Producer

    async def fires(self, name: str, severity: str = "warning", **labels: str) -> CurrentAlert:
        """An alert of that name, which the api knows when this returns."""
        named = {"alertname": name, "severity": severity, **labels}
        id, now_ms = alert_id("g", name, named), clock.now_ms()
        alert = CurrentAlert.model_validate(
            {
                "alert_id": id,
                "fingerprint": fingerprint(named),
                "group": "g",
                "rule": name,
                "rule_version": "v",
                "episode": now_ms,
                "state": "firing",
                "since": now_ms,
                "fired_at": now_ms,
                "labels": named,
                "severity": severity,
                "message": f"{name} <b>of</b> {labels}",
                "value": 1.0,
                "expr": "x > 0",
                "last_event_id": event_id(id, now_ms, 1),
                "last_transition": 1,
            }
        )
        await self.producer.send(Outgoing(ALERT_STATE, id, alert))
        await eventually(lambda: self._knows(id))
        return alert

    async def ends(self, alert: CurrentAlert) -> None:
        """The alert is over, as far as the api knows."""
        await self.producer.send(Outgoing(ALERT_STATE, alert.alert_id, None))

        async def gone() -> bool:
            return not await self._knows(alert.alert_id)

        await eventually(gone)

    async def _knows(self, id: str) -> bool:
        return (await self.api.get(f"/api/monitoring/alerts/{id}/muting", "viewer")).status == 200

    async def post(self, path: str, role: str = "operator", **body: Any) -> Any:
        """The body of the answer, which must be a success."""
        answer = await self.api.ask("POST", path, role, json=body)
        assert answer.status in (200, 201), answer.text
        return answer.body


@asynccontextmanager
async def muting_site(directory: Path, topics: str) -> AsyncIterator[Site]:
    """A site of its own on the bus."""
    settings = directory / "pantau.yaml"
    settings.write_text(SETTINGS)
    producer = Producer(topics, "test")
    await producer.start()
    try:
        tokens = {role: await bearer_token(producer, role) for role in ("viewer", "operator", "admin")}
        async with running_api(
            directory, topics, NO_DATABASE, tokens, PANTAU_CONFIG=str(settings), PANTAU_API__TRIAL_SEND_SECONDS="20"
        ) as api:
            await api.known()
            yield Site(api, producer)
    finally:
        await producer.stop()


async def session_token(producer: Producer, role: Role) -> str:
    """The cookie of somebody who is signed in, known from the bus alone."""
    return await _token(producer, role, "session")


async def bearer_token(producer: Producer, role: Role) -> str:
    """A token, known from the bus alone."""
    return await _token(producer, role)


async def _token(producer: Producer, role: Role, use: Literal["bearer", "session"] = "bearer") -> str:
    text = uuid.uuid4().hex
    token = Token.model_validate(
        {"id": uuid.uuid4().hex, "use": use, "hash": hash_of(text), "name": f"test-{role}", "role": role}
        | {"created_at": clock.now_ms()}
    )
    await producer.send(Outgoing(ACCESS, token.id, token))
    return text
