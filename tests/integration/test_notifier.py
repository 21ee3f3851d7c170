"""The notifier as a program, with a real Kafka and receivers that fail in all ways. No database anywhere."""

import asyncio
import base64
import random
import uuid
from collections import Counter
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from infra.local import ports
from services.notifier.channels.signing import key_of, signature
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.dead_letters import DeadLetter
from shared.messages.notification_requests import NotificationRequest
from shared.messages.notifications import Notification
from shared.messages.silences import Matcher, Silence
from shared.messages.topics import ALERT_EVENTS, DEAD_LETTERS, NOTIFICATION_REQUESTS, NOTIFICATIONS, SILENCES
from tests.conftest import eventually
from tests.integration.notifier_program import (
    Notifier,
    begun,
    ended,
    episodes,
    facts,
    ledger,
    order_of,
    publish,
    told,
)
from tests.integration.programs import page, records
from tests.integration.webhook_receiver import Answer, Receiver, listening

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def failing(seed: int) -> Answer:
    """A third of the answers are good."""
    good: list[Answer] = [200, 200, 200, 204]
    return random.Random(seed).choice([*good, 500, 503, 429, 408, "hang", "reset", "reset", "garbage"])


async def test_each_event_arrives_once_however_the_receiver_fails(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    first = episodes(12)
    asked: Counter[str] = Counter()

    def answer(identity: str) -> Answer:
        asked[identity] += 1
        return failing(int(identity[:8], 16) + asked[identity])

    async with listening(Receiver(answer, retry_after="1")) as receiver:
        headers = {"http_headers": {"X-Site": {"values": ["Bandung"]}}}
        notifier = Notifier(topics, tmp_path, receiver.url, secret=SECRET, http_config=headers)
        with notifier.running():
            await publish(producer, begun(first))

            async def are_told(wanted: set[tuple[str, str]]) -> bool:
                return wanted <= told(receiver.requests, first).keys()

            await eventually(lambda: are_told(facts(begun(first))))
            await publish(producer, begun(first))  # what a retry puts on the bus twice
            await publish(producer, ended(first))
            await eventually(lambda: are_told(facts(first)))

    times = told(receiver.requests, first)
    assert set(times) == facts(first)
    assert set(times.values()) == {1}
    for event in ended(first):
        assert [status for _, status in order_of(receiver, event.alert_id)] == ["firing", "resolved"]
    for one in receiver.requests:
        assert one.body["notification_id"] == one.id
        assert one.headers["X-Site"] == "Bandung"
        sent_at = int(one.headers["webhook-timestamp"])
        assert one.headers["webhook-signature"] == signature(key_of(SECRET), one.id, sent_at, one.raw)
    assert facts(first) <= {(line["event_id"], line["status"]) for line in notifier.lines()}
    sent = (await ledger(topics, first[-1], f"{notifier.receiver}/webhook/0"))[-1]
    assert (sent.state, sent.receiver, sent.channel) == ("sent", notifier.receiver, "webhook")
    assert sent.latency_ms is not None
    assert sent.latency_ms > 0


@pytest.mark.parametrize("status", [400, 301])
async def test_what_a_receiver_refuses_is_not_tried_again(
    topics: str, producer: Producer, tmp_path: Path, status: int
) -> None:
    events = episodes(1)
    async with listening(Receiver(lambda _: status)) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)

        async def lines(count: int) -> bool:
            return len([one for one in notifier.lines() if one["rule"] == events[0].rule]) >= count

        async def has_failed() -> bool:
            entries = await ledger(topics, events[1], f"{notifier.receiver}/webhook/0")
            return [one.state for one in entries] == ["planned", "failed"] and str(status) in (entries[-1].reason or "")

        with notifier.running():
            await publish(producer, begun(events))
            await eventually(has_failed)
            await publish(producer, ended(events))
            await eventually(lambda: lines(2))
            await eventually(notifier.is_ready)
    ours = [one for one in receiver.requests if one.alert["rule"] == events[0].rule]
    assert [one.alert["status"] for one in ours] == ["firing"]  # the end of what was never announced is not told
    assert await ledger(topics, events[2], f"{notifier.receiver}/webhook/0") == []


async def test_a_receiver_that_stays_away_is_given_up_at_last(topics: str, producer: Producer, tmp_path: Path) -> None:
    events = begun(episodes(1))
    nobody = f"http://127.0.0.1:{ports.free()[0]}/hook"
    notifier = Notifier(topics, tmp_path, nobody)

    async def is_given_up() -> list[Notification]:
        found = await ledger(topics, events[-1], f"{notifier.receiver}/webhook/0")
        return found if found and found[-1].state == "failed" else []

    with notifier.running(PANTAU_NOTIFIER__RETRY__GIVE_UP_SECONDS="2"):
        await publish(producer, events)
        failed = (await eventually(is_given_up))[-1]
        await publish(producer, [events[-1].model_copy(update={"state": "resolved", "transition": 3, "id": "over"})])
    assert failed.attempt > 1
    assert "given up: connect" in (failed.reason or "")


async def test_reading_pauses_while_too_much_waits_in_all(topics: str, producer: Producer, tmp_path: Path) -> None:
    (port,) = ports.free()
    notifier = Notifier(topics, tmp_path, f"http://127.0.0.1:{port}/hook")
    events = episodes(300)
    receiver = Receiver()
    with notifier.running(PANTAU_NOTIFIER__MOST_WAITING_IN_ALL="50"):
        await publish(producer, begun(events))

        async def is_paused() -> bool:
            return await notifier.metric("pantau_notifier_reading_paused") == 1

        await eventually(is_paused)
        status, text = await page(f"http://127.0.0.1:{notifier.admin}/health/ready")
        await publish(producer, ended(events))
        async with listening(receiver, port):

            async def all_ended() -> bool:
                over = {event for event, status in told(receiver.requests, events) if status != "firing"}
                return over == {event.id for event in ended(events)}

            await eventually(all_ended)
            await eventually(notifier.is_ready)
    assert status == 503
    assert notifier.receiver in text
    assert set(told(receiver.requests, events).values()) == {1}


async def test_nothing_is_said_twice_after_a_restart(topics: str, producer: Producer, tmp_path: Path) -> None:
    before, after = episodes(5), episodes(1)
    async with listening(Receiver()) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)

        async def are_told(wanted: set[tuple[str, str]]) -> bool:
            return wanted <= told(receiver.requests, before + after).keys()

        with notifier.running():
            await publish(producer, begun(before))
            await eventually(lambda: are_told(facts(begun(before))))
        with notifier.running():
            await publish(producer, begun(before))  # alerting says it again after a crash of its own
            await publish(producer, ended(before))
            await publish(producer, begun(after))
            await eventually(lambda: are_told(facts(before + begun(after))))
            await publish(producer, ended(after))
            await eventually(lambda: are_told(facts(before + after)))
    times = told(receiver.requests, before + after)
    assert set(times) == facts(before + after)
    assert set(times.values()) == {1}


async def test_what_changes_while_it_is_down_is_told_once_and_what_is_over_in_one_digest(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    held, new, passed = episodes(2), episodes(2), episodes(5)
    async with listening(Receiver()) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)

        async def are_told(wanted: set[tuple[str, str]]) -> bool:
            return wanted <= told(receiver.requests, held + new + passed).keys()

        with notifier.running():
            await publish(producer, begun(held))
            await eventually(lambda: are_told(facts(begun(held))))
        await publish(producer, begun(new) + passed + ended(held[:1]))
        with notifier.running():
            await publish(producer, [])
            expected = facts(held[:1] + begun(new)) | {(event.id, "passed") for event in ended(passed)}
            await eventually(lambda: are_told(expected))
            await publish(producer, ended(held) + ended(new))
            await eventually(lambda: are_told(facts(held + new)))
    times = told(receiver.requests, held + new + passed)
    assert set(times.values()) == {1}
    assert {event for event, status in times if status == "passed"} == {event.id for event in ended(passed)}
    digests = [one for one in receiver.requests if one.body["occasion"] == "digest"]
    assert len(digests) == 1


async def test_what_is_under_way_ends_before_the_notifier_does(topics: str, producer: Producer, tmp_path: Path) -> None:
    events = episodes(1)
    async with listening(Receiver(lambda _: "late")) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url, timeout="20s")

        async def statuses() -> list[str]:
            return [one.alert["status"] for one in receiver.requests if one.alert["rule"] == events[0].rule]

        async def is_asked() -> bool:
            return await statuses() == ["firing"]

        async def is_over() -> bool:
            return await statuses() == ["firing", "resolved"]

        with notifier.running() as process:
            await eventually(notifier.is_ready)
            await publish(producer, begun(events))
            await eventually(is_asked)
            await publish(producer, ended(events))
            process.terminate()
            receiver.hanging.set()
            assert await asyncio.to_thread(process.wait, 30) == 0
        assert (await ledger(topics, events[1], f"{notifier.receiver}/webhook/0"))[-1].state == "sent"
        with notifier.running():
            await eventually(is_over)


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

        async def are_told(wanted: set[tuple[str, str]]) -> bool:
            return wanted <= told(receiver.requests, events + shadow).keys()

        with notifier.running():
            for value in (garbage, b'{"id": 1}', b""):
                await raw.send_and_wait(ALERT_EVENTS.name, value, key=b"garbage")
            await publish(producer, shadow)
            await publish(producer, begun(events))
            await eventually(lambda: are_told(facts(begun(events))))
            await publish(producer, ended(events))
            await eventually(lambda: are_told(facts(events)))
    await raw.stop()
    assert set(told(receiver.requests, events + shadow)) == facts(events)
    letters = [DeadLetter.decode(one.value) for one in await records(topics, DEAD_LETTERS) if one.value]
    ours = [one for one in letters if one.value_base64 == base64.b64encode(garbage).decode()]
    assert [(one.consumer, one.topic) for one in ours] == [("notifier", ALERT_EVENTS.name)]


async def test_a_receiver_is_tried_when_somebody_asks(topics: str, producer: Producer, tmp_path: Path) -> None:
    async with listening(Receiver()) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)
        request = NotificationRequest(id=uuid.uuid4().hex, receiver=notifier.receiver, at=clock.now_ms(), by="ani")

        async def is_sent() -> bool:
            found = [Notification.decode(one.value) for one in await records(topics, NOTIFICATIONS) if one.value]
            ours = {(one.channel, one.state) for one in found if one.event_id == request.id and one.occasion == "test"}
            return {("webhook", "sent"), ("log", "sent")} <= ours

        with notifier.running():
            await eventually(notifier.is_ready)
            await producer.send(Outgoing(NOTIFICATION_REQUESTS, request.receiver, request, request.id, request.at))
            await eventually(is_sent)
            await eventually(notifier.is_ready)
    (asked,) = [one for one in receiver.requests if one.body["occasion"] == "test"]
    assert "ani" in asked.alert["message"]


async def test_what_is_silenced_is_told_by_nobody_and_the_ledger_says_why(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    silenced, other = episodes(1, team=uuid.uuid4().hex), episodes(1)
    now_ms = clock.now_ms()
    silence = Silence(
        id=uuid.uuid4().hex,
        kind="silence",
        matchers=[Matcher(name="team", value=silenced[0].labels["team"])],
        starts_at=now_ms - 60_000,
        ends_at=now_ms + 3_600_000,
        created_by="ani",
        created_at=now_ms,
        comment="maintenance",
    )
    await producer.send(Outgoing(SILENCES, silence.id, silence))
    async with listening(Receiver()) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)

        async def is_told() -> bool:
            return facts(other) <= told(receiver.requests, other).keys()

        async def is_begun() -> bool:
            return facts(begun(other)) <= told(receiver.requests, other).keys()

        with notifier.running():
            await publish(producer, begun(silenced))
            await publish(producer, begun(other))
            await eventually(is_begun)
            await publish(producer, ended(silenced))
            await publish(producer, ended(other))
            await eventually(is_told)
    assert not told(receiver.requests, silenced)
    found = [Notification.decode(one.value) for one in await records(topics, NOTIFICATIONS) if one.value]
    assert [f"silence:{silence.id}"] in [one.muted_by for one in found if one.alert_id == silenced[0].alert_id]
