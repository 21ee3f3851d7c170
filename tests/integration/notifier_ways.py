"""Telephones, mailboxes and webhooks that a notifier tells, and its settings: the default routes, with times that a
test can wait for, and before them those of the cases in test_notifier_ways.py."""

import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from aiosmtpd.controller import Controller

from infra.local import ports
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent, Severity, State
from shared.messages.notifications import Notification
from shared.messages.silences import Matcher, Silence
from shared.messages.topics import NOTIFICATIONS, SILENCES
from shared.routing.defaults import Ways, default_configuration
from shared.routing.people import Person
from tests.conftest import eventually
from tests.integration.http_recorder import Recorder, Reply, recording
from tests.integration.notifier_program import publish
from tests.integration.programs import records
from tests.integration.webhook_receiver import Receiver, listening
from tests.unit.notifier.events import alert_event

COOLDOWN_MS = 6_000
HOUR_MS = 3_600_000
# The gateway takes no message about it: for this one WhatsApp is down.
DOWN = "gateway_is_down"
ANI, BUDI, DUTY = "628110000001", "628110000002", "628110000003"
HOOKS = ("first", "boss", "office", "again")


class Mailbox:
    """Handler of an SMTP server."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the text."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        plain = mail.get_body(("plain",))
        self.mails.append(plain.get_content() if plain is not None else "")
        return "250 OK"


@contextmanager
def delivering(box: Mailbox) -> Iterator[int]:
    """The port at which mails to `box` are taken for as long as the block lasts."""
    port = ports.free()[0]
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@dataclass
class World:
    """Alerts, each of a rule of its own, and what everybody was told of them."""

    bootstrap: str
    producer: Producer
    chats: Recorder
    hooks: dict[str, Receiver]
    mailbox: Mailbox
    smtp_port: int
    ledger: list[Notification] = field(default_factory=list)
    told: dict[str, AlertEvent] = field(default_factory=dict)
    """The latest event of each rule."""

    async def say(self, name: str, state: State, severity: Severity = "warning", cooldown_ms: int = 0) -> None:
        """It fires, or is over, now."""
        now_ms = clock.now_ms()
        begun, transition = (now_ms, 2) if state == "firing" else (self.told[name].episode, 3)
        self.told[name] = alert_event(
            name,
            transition,
            state,
            now_ms,
            begun,
            labels={"alertname": name, "severity": severity},
            severity=severity,
            message=f"rule {name}.",
            cooldown_ms=cooldown_ms,
        )
        await publish(self.producer, [self.told[name]])

    async def acknowledge(self, name: str) -> None:
        """As api does it."""
        event, now_ms = self.told[name], clock.now_ms()
        silence = Silence(
            id=uuid.uuid4().hex,
            kind="acknowledgement",
            matchers=[Matcher(name="alertname", value=name)],
            alert_id=event.alert_id,
            episode=event.episode,
            starts_at=now_ms - 1,
            ends_at=now_ms + HOUR_MS,
            created_by="ani",
            created_at=now_ms,
            comment="at it",
        )
        await self.producer.send(Outgoing(SILENCES, silence.id, silence))

    def chatted(self, name: str) -> list[str]:
        """The numbers to which a message about a rule went, tries included, in order."""
        return [one.json["to"] for one in self.chats.asked if f"rule {name}." in one.json["text"]]

    def hooked(self, receiver: str, name: str) -> list[str]:
        """The states of a rule's alert that a webhook took, in order."""
        return self.hooks[receiver].states(name)

    def mailed(self, name: str) -> int:
        """How many mails are about a rule."""
        return sum(f"rule {name}." in one for one in self.mailbox.mails)

    def held_back(self, name: str) -> set[str]:
        """What the ledger says mutes a rule's alert."""
        alert = self.told[name].alert_id
        return {by for one in self.ledger if one.alert_id == alert for by in one.muted_by}

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for it."""

        async def holds() -> bool:
            return bool(condition())

        await eventually(holds)

    async def until_held_back(self, *names: str) -> None:
        """Until the ledger says of each that something mutes it."""

        async def written() -> bool:
            found = await records(self.bootstrap, NOTIFICATIONS)
            self.ledger = [Notification.decode(one.value) for one in found if one.value]
            return all(self.held_back(name) for name in names)

        await eventually(written)

    def environment(self, rest: bool) -> dict[str, str]:
        """The notifier's settings; `rest`: with quiet hours, and a muting time interval, of now."""
        gateway = {
            "name": "main",
            "rate": {"per_minute": 6_000, "burst": 1_000},
            "send": {"url": f"{self.chats.url}/send", "body": {"to": "{to}", "text": "{text}"}},
        }
        sections = {
            f"PANTAU_NOTIFICATIONS__{key.upper()}": json.dumps(one) for key, one in self._notifications(rest).items()
        }
        return sections | {
            "PANTAU_KAFKA__BOOTSTRAP": self.bootstrap,
            "PANTAU_NOTIFIER__ADMIN__PORT": str(ports.free()[0]),
            "PANTAU_NOTIFIER__RETRY__FIRST_SECONDS": "0.2",
            "PANTAU_NOTIFIER__RETRY__LONGEST_SECONDS": "0.5",
            "PANTAU_WHATSAPP__GATEWAYS": json.dumps([gateway]),
        }

    def _notifications(self, rest: bool) -> dict[str, Any]:
        made = self._defaults()
        made["receivers"] += [
            {"name": name, "webhook_configs": [{"url": one.url, "format": "pantau"}]}
            for name, one in self.hooks.items()
        ]
        made["receivers"].append(
            {"name": "people", "whatsapp_configs": [{"to": [{"person": "ani"}, {"person": "budi"}]}]}
        )
        soon = {"immediate": True, "group_interval": "1s"}
        off = {"mute_time_intervals": ["always"]} if rest else {}
        own: list[dict[str, Any]] = [
            {"matchers": ['alertname=~"rests|urgent"'], "receiver": "people"},
            {"matchers": ['alertname=~"helped|acknowledged"'], "receiver": "first"}
            | {"escalation": [{"after": "3s", "receiver": "boss"}]},
            {"matchers": ['alertname="off"'], "receiver": "office"} | off,
            {"matchers": ['alertname=~"again|gone"'], "receiver": "again"},
        ]
        made["route"]["routes"] = [one | soon for one in own] + made["route"]["routes"]
        always = {"name": "always", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
        return made | {
            "time_intervals": [always],
            "people": [
                {"name": "ani", "whatsapp": ANI, "zone": "UTC", "quiet_hours": [_around_now()] if rest else []},
                {"name": "budi", "whatsapp": BUDI},
                {"name": "duty", "whatsapp": DUTY, "email": "duty@isp.example"},
            ],
        }

    def _defaults(self) -> dict[str, Any]:
        """Those of a gateway, mail and one person on duty."""
        people = {"duty": Person("duty", ZoneInfo("UTC"), "id", whatsapp=DUTY, email="duty@isp.example")}
        smtp = {
            "smtp_smarthost": f"127.0.0.1:{self.smtp_port}",
            "smtp_from": "pantau@isp.example",
            "smtp_require_tls": False,
        }
        made = default_configuration(Ways("main", True, people), smtp)
        for receiver in made["receivers"]:
            if "fallback" in receiver:
                receiver["fallback"]["after"] = "1s"
        return made


def _around_now() -> dict[str, Any]:
    times = [datetime.fromtimestamp((clock.now_ms() + by) / 1000, UTC) for by in (-HOUR_MS, HOUR_MS)]
    return {"from": f"{times[0]:%H:%M}", "to": f"{times[1]:%H:%M}", "except": ["critical"]}


@asynccontextmanager
async def world(bootstrap: str) -> AsyncIterator[World]:
    """Everything but the notifier, for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        producer = Producer(bootstrap, "test")
        await producer.start()
        stack.push_async_callback(producer.stop)
        chats = Recorder(lambda asked: Reply(500 if f"rule {DOWN}." in asked.json["text"] else 200, {}))
        await stack.enter_async_context(recording(chats))
        hooks = {name: await stack.enter_async_context(listening(Receiver())) for name in HOOKS}
        box = Mailbox()
        yield World(bootstrap, producer, chats, hooks, box, stack.enter_context(delivering(box)))
