"""Alerts pushed to Alertmanagers by the notifier as a program, with a real Kafka."""

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from infra.local import ports
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent, CurrentAlert, State
from shared.messages.message import instant_from_text, instant_to_text
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE
from tests.conftest import clean_environment, eventually, run_module
from tests.integration.fake_alertmanager import Answer, FakeAlertmanager, Held, alertmanager
from tests.integration.programs import RestartableKafka, page, running
from tests.unit.notifier.events import alert_event

DELAY_SECONDS = 0.5


class Pushing:
    """A notifier that pushes to some Alertmanagers."""

    def __init__(self, bootstrap: str, directory: Path, *alertmanagers: dict[str, Any], **environment: str) -> None:
        (self.admin,) = ports.free()
        self.log = directory / "notifier.log"
        self._environment = {
            "PANTAU_KAFKA__BOOTSTRAP": bootstrap,
            "PANTAU_LOG__FORMAT": "json",
            "PANTAU_NOTIFIER__ADMIN__PORT": str(self.admin),
            "PANTAU_NOTIFICATIONS__ALERTMANAGERS": json.dumps(alertmanagers),
            "PANTAU_NOTIFIER__RESEND__DELAY_SECONDS": str(DELAY_SECONDS),
            **environment,
        }

    def running(self) -> AbstractContextManager[Popen[bytes]]:
        """For as long as the block lasts."""
        return running("services.notifier", self.log, **self._environment)

    @contextmanager
    def doomed(self) -> Iterator[None]:
        """For as long as the block lasts; it ends with SIGKILL."""
        with self.log.open("ab") as output:
            command = [sys.executable, "-m", "services.notifier"]
            process = Popen(command, env=clean_environment(**self._environment), stdout=output, stderr=output)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    async def metric(self, line: str) -> float:
        """The value of the metric that is written as `line`; 0 if there is none."""
        _, text = await page(f"http://127.0.0.1:{self.admin}/metrics")
        return sum(float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(f"{line} "))


class Alert:
    """One alert, whose transitions are put on the bus as alerting does it: the event, then the state."""

    def __init__(self, producer: Producer, **changes: object) -> None:
        self.name = f"rule_{uuid.uuid4().hex[:8]}"
        self._producer, self._changes, self._number = producer, changes, 0
        self.episode = clock.now_ms()

    async def becomes(self, state: State) -> AlertEvent:
        """Publish the next transition."""
        now_ms, self._number = clock.now_ms(), self._number + 1
        fired = state in ("firing", "resolved")
        told = alert_event(self.name, self._number, state, now_ms, self.episode, **self._changes)
        told = told.model_copy(update={"fired_at": self.episode if fired else None})
        await self._producer.send(Outgoing(ALERT_EVENTS, told.alert_id, told, told.id))
        await self._producer.send(Outgoing(ALERT_STATE, told.alert_id, _current(told), told.id))
        return told


def _current(told: AlertEvent) -> CurrentAlert | None:
    if told.state not in ("pending", "firing"):
        return None
    fields = told.model_dump(include=set(CurrentAlert.model_fields))
    return CurrentAlert(**fields, since=told.instant, last_event_id=told.id, last_transition=told.transition)


async def pushes(fake: FakeAlertmanager, name: str, count: int = 1) -> list[dict[str, Any]]:
    """What was posted of the alert `name`, once it was so often."""

    async def there() -> list[dict[str, Any]]:
        found = fake.of(name)
        return found if len(found) >= count else []

    return await eventually(there)


async def is_over(fake: FakeAlertmanager, name: str) -> Held:
    """The alert, once the Alertmanager holds it as resolved."""

    async def over() -> Held | None:
        found = fake.alert(name)
        return found if found is not None and found.resolved() else None

    return await eventually(over)


async def test_an_alert_from_its_beginning_to_its_end(topics: str, producer: Producer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    async with alertmanager(FakeAlertmanager(authorization="Bearer s3cret"), prefix="/am") as fake:
        pushing = Pushing(
            topics,
            tmp_path,
            {"url": fake.url, "name": "am", "bearer_token_file": str(token)},
            PANTAU_EXTERNAL__URL="https://pantau.example",
            PANTAU_EXTERNAL__LABELS='{"site": "jkt", "type": "none"}',
        )
        alert = Alert(producer, annotations={"summary": "Terlalu lambat ✓"})
        shadow, fleeting = Alert(producer, shadow=True), Alert(producer)
        with pushing.running():
            for one in (shadow, fleeting, alert):
                await one.becomes("pending")
            await fleeting.becomes("inactive")
            for one in (shadow, alert):
                await one.becomes("firing")
            told = await pushes(fake, alert.name, 3)
            over = await alert.becomes("resolved")
            held = await is_over(fake, alert.name)
            ended = len(fake.of(alert.name))
            await pushes(fake, alert.name, ended + 2)  # it is told again
            assert await pushing.metric('pantau_notifier_alertmanager_sent_total{alertmanager="am"}') >= 5
            assert await pushing.metric('pantau_notifier_alertmanager_errors_total{alertmanager="am"}') == 0
            assert await pushing.metric('pantau_notifier_alertmanager_alerts{state="firing"}') == 0
            assert await pushing.metric('pantau_notifier_alertmanager_alerts{state="resolved"}') == 1
    assert fake.refused == []
    assert fake.of(shadow.name) == []
    assert fake.of(fleeting.name) == []
    first = told[0]
    assert first["labels"] == {"alertname": alert.name, "type": "business", "site": "jkt"}
    assert first["annotations"] == {"summary": "Terlalu lambat ✓"}
    assert first["generatorURL"] == "https://pantau.example/graph?g0.expr=custom_metric+%3E+100&g0.tab=1"
    ends = [instant_from_text(one["endsAt"]) for one in told]
    assert {one["startsAt"] for one in told} == {instant_to_text(alert.episode)}
    assert all(later - earlier > DELAY_SECONDS * 1000 for earlier, later in pairwise(ends))
    assert round(held.ends_at.timestamp() * 1000) == over.instant
    assert {one["endsAt"] for one in fake.of(alert.name)[ended:]} == {instant_to_text(over.instant)}


async def test_a_killed_notifier_goes_on_where_it_was(topics: str, producer: Producer, tmp_path: Path) -> None:
    async with alertmanager(FakeAlertmanager()) as fake:
        pushing = Pushing(topics, tmp_path, {"url": fake.url})
        lasting, ending, new = (Alert(producer) for _ in range(3))
        with pushing.doomed():
            await lasting.becomes("firing")
            await ending.becomes("firing")
            await pushes(fake, lasting.name)
            await pushes(fake, ending.name)
        over = await ending.becomes("resolved")
        await new.becomes("firing")
        before = {one.name: len(fake.of(one.name)) for one in (lasting, ending, new)}
        assert before[new.name] == 0
        with pushing.running():
            await pushes(fake, new.name)
            held = await is_over(fake, ending.name)
            again = await pushes(fake, lasting.name, before[lasting.name] + 1)
    assert round(held.ends_at.timestamp() * 1000) == over.instant
    assert {one["startsAt"] for one in again} == {instant_to_text(lasting.episode)}
    assert fake.refused == []


async def test_an_alertmanager_that_fails_is_counted_and_holds_up_nobody(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    answer: Answer = 500
    bad = FakeAlertmanager(answer=lambda: answer)
    async with alertmanager(FakeAlertmanager()) as good, alertmanager(bad):
        pushing = Pushing(topics, tmp_path, {"url": good.url}, {"url": bad.url, "name": "bad", "timeout": 0.3})
        errors = 'pantau_notifier_alertmanager_errors_total{alertmanager="bad"}'

        async def dropped(reason: str) -> bool:
            line = f'pantau_notifier_alertmanager_dropped_total{{alertmanager="bad",reason="{reason}"}}'
            return await pushing.metric(line) > 0

        with pushing.running():
            alert = Alert(producer)
            await alert.becomes("firing")
            await eventually(lambda: dropped("http_500"))
            answer = "hang"
            await eventually(lambda: dropped("timeout"))
            answer = "reset"
            await eventually(lambda: dropped("reset"))
            other = Alert(producer)
            await other.becomes("firing")
            await pushes(good, other.name)
            assert await pushing.metric(errors) >= 3
            assert bad.posts == []
            answer = 200
            await pushes(bad, alert.name)
            await pushes(bad, other.name)
            await alert.becomes("resolved")
            for fake in (good, bad):
                await is_over(fake, alert.name)
    assert good.refused == bad.refused == []


async def test_what_does_not_fit_into_a_queue_is_dropped_and_comes_again(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    answer: Answer = "hang"
    async with alertmanager(FakeAlertmanager()) as good, alertmanager(FakeAlertmanager(answer=lambda: answer)) as slow:
        pushing = Pushing(
            topics,
            tmp_path,
            {"url": good.url},
            {"url": slow.url, "name": "slow", "timeout": 1},
            PANTAU_NOTIFIER__RESEND__QUEUE_CAPACITY="10",
            PANTAU_NOTIFIER__RESEND__BATCH_SIZE="4",
        )
        full = 'pantau_notifier_alertmanager_dropped_total{alertmanager="slow",reason="queue_full"}'

        async def is_full() -> bool:
            return await pushing.metric(full) > 0

        alerts = [Alert(producer) for _ in range(25)]
        with pushing.running():
            await asyncio.gather(*(one.becomes("firing") for one in alerts))
            for one in alerts:
                await pushes(good, one.name)
            await eventually(is_full)
            assert await pushing.metric('pantau_notifier_alertmanager_queue_length{alertmanager="slow"}') <= 10
            answer = 200
            for one in alerts:
                await pushes(slow, one.name)
    assert max(len(body) for body in good.posts) <= 4


async def test_while_the_bus_is_away_what_fires_is_sent_on(tmp_path: Path) -> None:
    kafka = RestartableKafka(tmp_path / "kafka")
    producer = Producer(kafka.bootstrap, "test")
    with ExitStack() as bus:
        bus.enter_context(kafka.there())
        run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
        await producer.start()
        async with alertmanager(FakeAlertmanager()) as fake:
            pushing = Pushing(kafka.bootstrap, tmp_path, {"url": fake.url})
            with pushing.running():
                alert = Alert(producer)
                await alert.becomes("firing")
                await pushes(fake, alert.name)
                bus.close()
                dark = len(fake.of(alert.name))
                told = await pushes(fake, alert.name, dark + 6)  # it would be over after four delays
                assert instant_from_text(told[-1]["endsAt"]) > clock.now_ms()
                bus.enter_context(kafka.there())
                over = await alert.becomes("resolved")
                held = await is_over(fake, alert.name)
        await producer.stop()
    assert round(held.ends_at.timestamp() * 1000) == over.instant
    assert fake.refused == []


def self_signed(key: Path, certificate: Path) -> None:
    """Make a certificate for am.example."""
    subject = ["-subj", "/CN=am.example", "-addext", "subjectAltName=DNS:am.example"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
async def test_tls(topics: str, producer: Producer, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    await asyncio.to_thread(self_signed, key, certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with alertmanager(FakeAlertmanager(), tls=tls) as fake:
        trusting = {"ca_file": str(certificate), "server_name": "am.example"}
        pushing = Pushing(
            topics,
            tmp_path,
            {"url": fake.url, "name": "trusting", "tls_config": trusting},
            {"url": fake.url, "name": "blind", "tls_config": {"insecure_skip_verify": True}},
            {"url": fake.url, "name": "wary"},
        )

        async def refused() -> bool:
            return await pushing.metric('pantau_notifier_alertmanager_errors_total{alertmanager="wary"}') > 0

        with pushing.running():
            alert = Alert(producer)
            await alert.becomes("firing")
            await eventually(refused)
            for name in ("trusting", "blind"):

                async def taken(name: str = name) -> bool:
                    return await pushing.metric(f'pantau_notifier_alertmanager_sent_total{{alertmanager="{name}"}}') > 0

                await eventually(taken)
            assert await pushing.metric('pantau_notifier_alertmanager_sent_total{alertmanager="wary"}') == 0
