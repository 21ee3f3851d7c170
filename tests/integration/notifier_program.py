"""The notifier as a program, as tests start it, and what it has told a webhook."""

import json
import random
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

from infra.local import ports
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent, State
from shared.messages.notifications import Notification
from shared.messages.topics import ALERT_EVENTS, NOTIFICATIONS
from tests.conftest import clean_environment
from tests.integration.programs import page, records, running
from tests.integration.webhook_receiver import Receiver, Request
from tests.unit.notifier.events import alert_event

Fact = tuple[str, str]
"""(event id, status): that a receiver is told of a beginning or an end."""
GOOD = (200, 204)


class Notifier:
    """How it is started: every test under new receiver names, since the bus is shared."""

    def __init__(self, bootstrap: str, directory: Path, url: str, **webhook: Any) -> None:
        self.receiver = f"ops-{uuid.uuid4().hex[:8]}"
        self.log = directory / "notifier.log"
        (self.admin,) = ports.free()
        self.notifications: dict[str, Any] = {
            "route": {"receiver": self.receiver, "immediate": True},
            "receivers": [
                {
                    "name": self.receiver,
                    "webhook_configs": [{"url": url, "timeout": "1s", "format": "pantau", **webhook}],
                    "log_configs": [{}],
                }
            ],
        }
        self.environment = {
            "PANTAU_KAFKA__BOOTSTRAP": bootstrap,
            "PANTAU_LOG__FORMAT": "json",
            "PANTAU_NOTIFIER__ADMIN__PORT": str(self.admin),
            "PANTAU_NOTIFIER__RETRY__FIRST_SECONDS": "0.05",
            "PANTAU_NOTIFIER__RETRY__LONGEST_SECONDS": "0.5",
        }

    @property
    def started_with(self) -> dict[str, str]:
        """The environment that holds all of its settings."""
        sections = {f"PANTAU_NOTIFICATIONS__{key.upper()}": json.dumps(one) for key, one in self.notifications.items()}
        return self.environment | sections

    def running(self, **environment: str) -> AbstractContextManager[Popen[bytes]]:
        """For as long as the block lasts."""
        return running("services.notifier", self.log, **self.started_with, **environment)

    @contextmanager
    def doomed(self, **environment: str) -> Iterator[Popen[bytes]]:
        """One that ends with SIGKILL, at the end of the block at the latest."""
        with self.log.open("ab") as output:
            process = Popen(
                [sys.executable, "-m", "services.notifier"],
                env=clean_environment(**self.started_with, **environment),
                stdout=output,
                stderr=output,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def lines(self) -> list[dict[str, Any]]:
        """What the log channel wrote."""
        entries = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry.get("destination") == f"{self.receiver}/log/0" and "rule" in entry]

    async def metric(self, line: str) -> float | None:
        """The value of the metric that is written as `line`."""
        _, text = await page(f"http://127.0.0.1:{self.admin}/metrics")
        found = [one.rpartition(" ")[2] for one in text.splitlines() if one.startswith(f"{line} ")]
        return float(found[0]) if found else None

    async def is_ready(self) -> bool:
        """Whether it says so."""
        return (await page(f"http://127.0.0.1:{self.admin}/health/ready"))[0] == 200


def episodes(count: int, **labels: str) -> list[AlertEvent]:
    """`count` alerts of a new rule each, going up and down, mixed as they would be."""
    events = []
    rules = [f"rule_{uuid.uuid4().hex[:8]}" for _ in range(count)]
    states: tuple[tuple[State, int], ...] = (("pending", 1), ("firing", 2), ("resolved", 3))
    begun = {rule: clock.now_ms() - random.randrange(1_000) for rule in rules}
    for state, transition in states:
        random.shuffle(rules)
        events += [
            alert_event(
                rule, transition, state, begun[rule] + transition, begun[rule], labels={"alertname": rule, **labels}
            )
            for rule in rules
        ]
    return events


def begun(events: Iterable[AlertEvent]) -> list[AlertEvent]:
    """Without the ends."""
    return [event for event in events if event.state != "resolved"]


def ended(events: Iterable[AlertEvent]) -> list[AlertEvent]:
    """The ends."""
    return [event for event in events if event.state == "resolved"]


def facts(events: Iterable[AlertEvent]) -> set[Fact]:
    """What is to be told of `events`, where each is told by itself."""
    return {(event.id, event.state) for event in events if event.state in ("firing", "resolved")}


def told(requests: Iterable[Request], events: Iterable[AlertEvent]) -> Counter[Fact]:
    """How often a receiver took each fact about the alerts of `events`."""
    alerts = {event.alert_id for event in events}
    return Counter(
        (one["event_id"], one["status"])
        for request in requests
        if request.answer in GOOD
        for one in request.body["alerts"]
        if one["alert_id"] in alerts
    )


def order_of(receiver: Receiver, alert_id: str) -> list[tuple[str, str]]:
    """(episode, status) of what was taken about an alert, in order, without immediate repetitions."""
    found: list[tuple[str, str]] = []
    for request in receiver.requests:
        for one in request.body["alerts"] if request.answer in GOOD else []:
            fact = (one["times"]["episode"], one["status"])
            if one["alert_id"] == alert_id and fact not in found[-1:]:
                found.append(fact)
    return found


async def publish(producer: Producer, events: Sequence[AlertEvent]) -> None:
    await producer.send_all([Outgoing(ALERT_EVENTS, event.alert_id, event, event.id) for event in events])


async def ledger(bootstrap: str, event: AlertEvent, destination: str) -> list[Notification]:
    """The entries about notices to `destination` that tell `event`."""
    found = [Notification.decode(one.value) for one in await records(bootstrap, NOTIFICATIONS) if one.value]
    return [
        one for one in found if one.destination == destination and event.id in [told.event_id for told in one.alerts]
    ]
