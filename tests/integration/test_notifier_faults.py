"""The notifier while Kafka is away, and while another stands by."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.local import ports
from shared.bus import Producer
from shared.messages.alerts import AlertEvent
from tests.conftest import eventually, run_module
from tests.integration.notifier_program import (
    GOOD,
    Fact,
    Notifier,
    begun,
    ended,
    episodes,
    facts,
    order_of,
    publish,
    told,
)
from tests.integration.programs import RestartableKafka, page
from tests.integration.webhook_receiver import Receiver, listening

CONCURRENCY = 16  # of a receiver, unless the settings say otherwise


def check(receiver: Receiver, events: Sequence[AlertEvent], kills: int) -> None:
    """Each episode was told as begun and ended, or as passed; in order; and again only after a kill, under its id."""
    heard: dict[str, set[str]] = defaultdict(set)
    ids: dict[Fact, set[str]] = defaultdict(set)
    for request in receiver.requests:
        for one in request.body["alerts"] if request.answer in GOOD else []:
            heard[one["alert_id"]].add(one["status"])
            ids[one["event_id"], one["status"]].add(request.id)
    for event in ended(events):
        assert heard[event.alert_id] in ({"firing", "resolved"}, {"passed"}), event.rule
        assert [status for _, status in order_of(receiver, event.alert_id)] in (["firing", "resolved"], ["passed"])
    assert all(len(found) == 1 for found in ids.values()), "told twice under different ids"
    taken = Counter(one.id for one in receiver.requests if one.answer in GOOD)
    assert sum(taken.values()) - len(taken) <= kills * CONCURRENCY


@pytest.mark.faults
async def test_another_takes_over(topics: str, producer: Producer, tmp_path: Path) -> None:
    before, after = episodes(10), episodes(10)
    async with listening(Receiver()) as receiver:
        first = Notifier(topics, tmp_path, receiver.url)
        second = Notifier(topics, tmp_path, receiver.url)
        second.log = tmp_path / "second.log"
        second.notifications = first.notifications

        async def are_told(wanted: set[Fact]) -> bool:
            return wanted <= told(receiver.requests, before + after).keys()

        async def both_live() -> bool:
            pages = [await page(f"http://127.0.0.1:{one.admin}/health/live") for one in (first, second)]
            return [status for status, _ in pages] == [200, 200]

        with first.doomed() as process, second.doomed() as other:
            await eventually(both_live)
            await publish(producer, begun(before))
            await eventually(lambda: are_told(facts(begun(before))))
            active, standby = (process, second) if await first.is_ready() else (other, first)
            active.kill()
            await publish(producer, begun(after))
            await eventually(lambda: are_told(facts(begun(before + after))))
            await eventually(standby.is_ready)
            await publish(producer, ended(before + after))
            await eventually(lambda: are_told(facts(before + after)))
    times = told(receiver.requests, before + after)
    assert set(times) == facts(before + after)
    check(receiver, before + after, 1)


@pytest.mark.faults
async def test_kafka_goes_away_and_comes_back(tmp_path: Path) -> None:
    kafka = RestartableKafka(tmp_path / "kafka")
    before, during, after = episodes(5), episodes(5), episodes(5)
    (port,) = ports.free()
    # This process does not answer while it stops or starts the Kafka.
    notifier = Notifier(kafka.bootstrap, tmp_path, f"http://127.0.0.1:{port}/hook", timeout="60s")
    receiver = Receiver()
    everything = before + during + after

    async def are_told(wanted: set[Fact]) -> bool:
        return wanted <= told(receiver.requests, everything).keys()

    async def is_not_ready() -> bool:
        return not await notifier.is_ready()

    async with listening(receiver, port):
        with notifier.running():  # before there is a Kafka
            with kafka.there():
                run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
                producer = Producer(kafka.bootstrap, "test")
                await producer.start()
                await publish(producer, begun(before))
                await eventually(lambda: are_told(facts(begun(before))))
                await eventually(notifier.is_ready)
                await publish(producer, begun(during))  # and it may be gone before these are recorded
            await eventually(is_not_ready)
            with kafka.there():
                await publish(producer, begun(after))
                await eventually(lambda: are_told(facts(begun(everything))))
                await publish(producer, ended(everything))
                await eventually(lambda: are_told(facts(everything)))
                await eventually(notifier.is_ready)
                await producer.stop()
    times = told(receiver.requests, everything)
    assert set(times) == facts(everything)
    assert set(times.values()) == {1}
    check(receiver, everything, 0)
