"""The notifier as a program, with a real Kafka and receivers that fail in all ways. No database anywhere."""

import asyncio
import base64
import json
import random
import uuid
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from infra.local import ports
from services.notifier.channels.signing import key_of, signature
from services.notifier.core.ledger import Ledger
from services.notifier.ledger_log import LedgerLog
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent
from shared.messages.dead_letters import DeadLetter
from shared.messages.message import content_id
from shared.messages.notifications import Notification, notification_id
from shared.messages.topics import ALERT_EVENTS, DEAD_LETTERS, NOTIFICATIONS
from tests.conftest import eventually
from tests.integration.programs import page, records, running
from tests.integration.webhook_receiver import Answer, Receiver, listening
from tests.unit.notifier.events import alert_event

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Notifier:
    """How it is started: every test under a new receiver name, since the bus is shared."""

    def __init__(self, bootstrap: str, directory: Path, url: str, **webhook: Any) -> None:
        self.receiver = f"ops-{uuid.uuid4().hex[:8]}"
        self.log = directory / "notifier.log"
        (self.admin,) = ports.free()
        receivers = [
            {"name": self.receiver, "webhook": {"url": url, "deadline_seconds": 1, **webhook}},
            {"name": f"log-{self.receiver}", "log": {}},
        ]
        self.environment = {
            "PANTAU_KAFKA__BOOTSTRAP": bootstrap,
            "PANTAU_LOG__FORMAT": "json",
            "PANTAU_NOTIFIER__ADMIN__PORT": str(self.admin),
            "PANTAU_NOTIFIER__RECEIVERS": json.dumps(receivers),
            "PANTAU_NOTIFIER__RETRY__FIRST_SECONDS": "0.05",
            "PANTAU_NOTIFIER__RETRY__LONGEST_SECONDS": "0.5",
        }

    def running(self, **environment: str) -> AbstractContextManager[Popen[bytes]]:
        """For as long as the block lasts."""
        return running("services.notifier", self.log, **self.environment, **environment)

    def id_of(self, event: AlertEvent) -> str:
        """What the webhook receiver gets with `event`."""
        return notification_id(event.id, self.receiver)

    def lines(self) -> list[dict[str, Any]]:
        """What the log receiver wrote."""
        entries = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry.get("receiver") == f"log-{self.receiver}" and "labels" in entry]

    async def metric(self, line: str) -> float | None:
        """The value of the metric that is written as `line`."""
        _, text = await page(f"http://127.0.0.1:{self.admin}/metrics")
        found = [one.rpartition(" ")[2] for one in text.splitlines() if one.startswith(f"{line} ")]
        return float(found[0]) if found else None

    async def is_ready(self) -> bool:
        """Whether it says so."""
        return (await page(f"http://127.0.0.1:{self.admin}/health/ready"))[0] == 200


def episodes(count: int, times: int = 1) -> list[AlertEvent]:
    """`count` alerts of a new rule each, going up and down `times` times, mixed as they would be."""
    events = []
    rules = [f"rule_{uuid.uuid4().hex[:8]}" for _ in range(count)]
    now_ms = clock.now_ms()
    for one in range(times, 0, -1):
        # Each after the one before: two episodes of an alert that begin in the same millisecond would be one.
        begun = {rule: now_ms - one * 1_000 - random.randrange(900) for rule in rules}
        for state, transition in (("pending", 1), ("firing", 2), ("resolved", 3)):
            random.shuffle(rules)
            events += [
                alert_event(rule, transition, state, begun[rule] + transition, begun[rule])  # type: ignore[arg-type]
                for rule in rules
            ]
    return events


def told(events: list[AlertEvent]) -> list[AlertEvent]:
    return [event for event in events if event.state in ("firing", "resolved")]


async def publish(producer: Producer, events: list[AlertEvent]) -> None:
    await producer.send_all([Outgoing(ALERT_EVENTS, event.alert_id, event, event.id) for event in events])


async def ledger(bootstrap: str, identity: str) -> list[Notification]:
    found = await records(bootstrap, NOTIFICATIONS)
    return [Notification.decode(one.value) for one in found if one.key == identity.encode() and one.value]


def failing(seed: int) -> Answer:
    """A third of the answers are good."""
    good: list[Answer] = [200, 200, 200, 204]
    return random.Random(seed).choice([*good, 500, 503, 429, 408, "hang", "reset", "reset", "garbage"])


async def test_each_event_arrives_once_however_the_receiver_fails(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    events = episodes(12, times=2)
    asked: Counter[str] = Counter()

    def answer(identity: str) -> Answer:
        asked[identity] += 1
        return failing(int(identity[:8], 16) + asked[identity])

    async with listening(Receiver(answer, retry_after="1")) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url, secret=SECRET, headers={"X-Site": "Bandung"})
        wanted = {notifier.id_of(event) for event in told(events)}
        with notifier.running():
            await publish(producer, events)

            async def all_taken() -> bool:
                return wanted <= {one.id for one in receiver.requests if one.answer in (200, 204)}

            await eventually(all_taken)
            await publish(producer, events)  # what a retry puts on the bus twice

            async def all_lines() -> bool:
                return len(notifier.lines()) >= len(wanted)

            await eventually(all_lines)
            last = episodes(1)
            await publish(producer, last)
            beyond = {notifier.id_of(event) for event in told(last)}

            async def last_taken() -> bool:
                return beyond <= {one.id for one in receiver.requests if one.answer in (200, 204)}

            await eventually(last_taken)

    good = [one for one in receiver.requests if one.answer in (200, 204)]
    times = Counter(one.id for one in good)
    assert set(times) == wanted | beyond
    assert set(times.values()) == {1}
    assert {one.id for one in receiver.requests} == set(times)
    for rule in {event.rule for event in events}:
        assert [one.body["state"] for one in good if one.body["rule"] == rule] == ["firing", "resolved"] * 2
    assert Counter(line["notification_id"] for line in notifier.lines()).most_common(1)[0][1] == 1
    for one in receiver.requests:
        assert one.body["notification_id"] == one.id
        assert one.headers["X-Site"] == "Bandung"
        sent_at = int(one.headers["webhook-timestamp"])
        assert one.headers["webhook-signature"] == signature(key_of(SECRET), one.id, sent_at, one.raw)
    sent = (await ledger(topics, notifier.id_of(told(events)[0])))[-1]
    assert (sent.state, sent.receiver, sent.channel) == ("sent", notifier.receiver, "webhook")
    assert sent.latency_ms is not None
    assert sent.latency_ms > 0


@pytest.mark.parametrize("status", [400, 301])
async def test_what_a_receiver_refuses_is_not_tried_again(
    topics: str, producer: Producer, tmp_path: Path, status: int
) -> None:
    events = episodes(1)
    firing, resolved = told(events)
    async with listening(Receiver(lambda _: status)) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)
        skipped = f'pantau_notifications_skipped_total{{reason="not_announced",receiver="{notifier.receiver}"}}'
        with notifier.running():
            await publish(producer, events)
            await eventually(lambda: notifier.metric(skipped))  # the end of what was never announced
    assert [one.id for one in receiver.requests] == [notifier.id_of(firing)]
    states = await ledger(topics, notifier.id_of(firing))
    assert [one.state for one in states] == ["planned", "failed"]
    assert str(status) in (states[-1].reason or "")
    assert await ledger(topics, notifier.id_of(resolved)) == []
    assert [line["state"] for line in notifier.lines()] == ["firing", "resolved"]


async def test_a_receiver_that_stays_away_is_given_up_at_last(topics: str, producer: Producer, tmp_path: Path) -> None:
    events = episodes(1)
    nobody = f"http://127.0.0.1:{ports.free()[0]}/hook"
    notifier = Notifier(topics, tmp_path, nobody)

    async def is_given_up() -> list[Notification]:
        found = await ledger(topics, notifier.id_of(told(events)[0]))
        return found if found and found[-1].state == "failed" else []

    with notifier.running(PANTAU_NOTIFIER__RETRY__GIVE_UP_SECONDS="2"):
        await publish(producer, events)
        failed = (await eventually(is_given_up))[-1]
    assert failed.attempt > 1
    assert "given up: connect" in (failed.reason or "")


async def test_reading_pauses_while_a_receiver_is_down_for_long(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    (port,) = ports.free()
    notifier = Notifier(topics, tmp_path, f"http://127.0.0.1:{port}/hook")
    events = episodes(300)
    wanted = {notifier.id_of(event) for event in told(events)}
    receiver = Receiver()
    with notifier.running(PANTAU_NOTIFIER__MOST_EVENTS_IN_FLIGHT="50"):
        await publish(producer, events)

        async def is_paused() -> bool:
            return await notifier.metric("pantau_notifier_reading_paused") == 1

        await eventually(is_paused)
        status, text = await page(f"http://127.0.0.1:{notifier.admin}/health/ready")
        in_flight = await notifier.metric("pantau_notifier_events_in_flight")
        async with listening(receiver, port):

            async def all_taken() -> bool:
                return wanted <= {one.id for one in receiver.taken}

            await eventually(all_taken)
            await eventually(notifier.is_ready)
    assert status == 503
    assert notifier.receiver in text
    assert in_flight is not None
    assert 50 <= in_flight <= 150
    assert len(receiver.requests) == len(wanted)


async def test_nothing_is_said_twice_after_a_restart(topics: str, producer: Producer, tmp_path: Path) -> None:
    before, after = episodes(5), episodes(1)
    firing = [event for event in before if event.state != "resolved"]
    rest = [event for event in before if event.state == "resolved"]
    async with listening(Receiver()) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)

        async def taken(count: int) -> bool:
            return len(receiver.taken) >= count

        with notifier.running():
            await publish(producer, firing)
            await eventually(lambda: taken(5))
        with notifier.running():
            await publish(producer, firing)  # alerting says it again after a crash of its own
            await publish(producer, rest)
            await publish(producer, after)
            await eventually(lambda: taken(12))
    assert {one.id for one in receiver.requests[:5]} == {notifier.id_of(event) for event in told(firing)}
    assert Counter(one.id for one in receiver.requests) == Counter(
        notifier.id_of(event) for event in told(before) + told(after)
    )


async def test_what_is_under_way_ends_before_the_notifier_does(topics: str, producer: Producer, tmp_path: Path) -> None:
    firing, resolved = told(episodes(1))
    async with listening(Receiver(lambda _: "late")) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url, deadline_seconds=20)

        async def requests(count: int) -> bool:
            return len(receiver.requests) >= count

        with notifier.running() as process:
            await eventually(notifier.is_ready)
            await publish(producer, [firing, resolved])
            await eventually(lambda: requests(1))
            process.terminate()
            receiver.hanging.set()
            assert await asyncio.to_thread(process.wait, 30) == 0
        assert [one.id for one in receiver.requests] == [notifier.id_of(firing)]
        assert (await ledger(topics, notifier.id_of(firing)))[-1].state == "sent"
        with notifier.running():
            await eventually(lambda: requests(2))
    assert [one.id for one in receiver.requests] == [notifier.id_of(firing), notifier.id_of(resolved)]


async def test_garbage_does_not_block_and_what_nobody_is_told_of_is_passed(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    events = episodes(1)
    shadow = [event.model_copy(update={"shadow": True}) for event in episodes(1)]
    garbage = uuid.uuid4().hex.encode()
    raw = AIOKafkaProducer(bootstrap_servers=topics)
    await raw.start()
    async with listening(Receiver()) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)
        with notifier.running():
            for value in (garbage, b'{"id": 1}', b""):
                await raw.send_and_wait(ALERT_EVENTS.name, value, key=b"garbage")
            await publish(producer, shadow)
            await publish(producer, events)

            async def all_taken() -> bool:
                return len(receiver.taken) == 2

            await eventually(all_taken)
    await raw.stop()
    assert [one.id for one in receiver.requests] == [notifier.id_of(event) for event in told(events)]
    letters = [DeadLetter.decode(one.value) for one in await records(topics, DEAD_LETTERS) if one.value]
    ours = [one for one in letters if one.value_base64 == base64.b64encode(garbage).decode()]
    assert [(one.consumer, one.topic) for one in ours] == [("notifier", ALERT_EVENTS.name)]


async def test_what_the_memory_has_lost_is_found_on_the_bus(topics: str, producer: Producer) -> None:
    wrote = LedgerLog(topics, producer, Ledger(most=10))
    identity, absent = content_id(uuid.uuid4().hex), content_id(uuid.uuid4().hex)
    now = clock.now_ms()
    await wrote.write(
        Notification(id=identity, event_id="e", alert_id="a", receiver="r", channel="log", state="sent", at=now)
    )
    forgetful = Ledger(most=10)
    forgetful.complete_since(now + 3_600_000)
    await LedgerLog(topics, producer, forgetful).find({identity: now - 60_000, absent: now})
    assert forgetful.is_sent(identity)
    assert forgetful.get(absent) is None
    assert forgetful.is_asked(absent)
    forgetful.dismiss_answers()
    assert forgetful.get(identity) is None
