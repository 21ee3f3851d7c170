"""The subscribers that docs/subscribe.md shows, in Python and JavaScript, on a real Kafka.

They start late, and end with the right picture.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, Opaque
from tests.conftest import eventually, run_module
from tests.integration.programs import RestartableKafka, records
from tests.integration.subscribers.compaction import eager, until_gone
from tests.integration.subscribers.histories import Alert, Picture, Told, as_written, random_history, truth
from tests.integration.subscribers.running import LANGUAGES, Subscriber, subscriber

HOUR_MS = 3_600_000


@pytest.fixture
def rule() -> str:
    """A rule of this test's own."""
    return f"rule_{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def compacting(topics: str) -> AsyncIterator[None]:
    """The topic of states is compacted all the time."""
    async with eager(topics, ALERT_STATE):
        yield


@contextmanager
def subscribers(bootstrap: str, directory: Path) -> Iterator[list[Subscriber]]:
    """One in each language."""
    with ExitStack() as stack:
        yield [stack.enter_context(subscriber(language, bootstrap, directory)) for language in LANGUAGES]


async def until_shown(those: Sequence[Subscriber], rule: str, wanted: Picture) -> None:
    """Return once each shows just that."""

    async def look() -> bool:
        return all((pictures := one.pictures(rule)) and pictures[-1] == wanted for one in those)

    try:
        await eventually(look)
    except AssertionError:
        shown = [one.pictures(rule)[-1:] for one in those]
        raise AssertionError(f"wanted {wanted}\nshown {shown}\nsaid {[one.complaints for one in those]}") from None


async def write(producer: Producer, parts: Sequence[Sequence[Outgoing]]) -> None:
    for part in parts:
        await producer.send_all(part)


async def write_in_order(producer: Producer, told: Told) -> None:
    await producer.send(Outgoing(ALERT_EVENTS, told.event.alert_id, told.event, told.event.id))
    await producer.send(Outgoing(ALERT_STATE, told.event.alert_id, told.state))


@pytest.mark.usefixtures("compacting")
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_who_starts_late_ends_with_the_right_picture(
    topics: str, producer: Producer, tmp_path: Path, rule: str, seed: int
) -> None:
    chance = random.Random(seed)
    history = random_history(chance, rule, alerts=20, transitions=400, begin_ms=clock.now_ms() - 100 * HOUR_MS)
    half = len(history) // 2
    before = Alert(rule, host="long-over")
    for told in (before.enter("firing", 1), before.enter("resolved", 2)):
        await write_in_order(producer, told)
    await write(producer, as_written(chance, history[:half]))
    await until_gone(topics, ALERT_STATE, before.id, producer)
    compacted = await records(topics, ALERT_STATE)
    assert len(compacted) < compacted[-1].offset - compacted[0].offset, "there are gaps"
    with subscribers(topics, tmp_path) as late:
        await until_shown(late, rule, truth(history[:half]))
        assert [len(one.pictures(rule)) for one in late] == [1, 1], "nothing was shown before all was read"
        await write(producer, as_written(chance, history[half:]))
        await until_shown(late, rule, truth(history))
        for one in late:
            never_goes_back(one.pictures(rule))
            assert one.complaints == ""


@pytest.mark.usefixtures("compacting")
async def test_doubles_and_what_is_no_alert_change_nothing(
    topics: str, producer: Producer, tmp_path: Path, rule: str
) -> None:
    chance = random.Random(5)
    history = random_history(chance, rule, alerts=5, transitions=60, begin_ms=clock.now_ms() - HOUR_MS)
    parts = as_written(chance, history)
    last = Alert(rule, host="last")
    garbage = [b"", b"not JSON", b"[]", b"7", b'{"episode": 1}', b'{"episode": "x", "transition": 1}']
    with subscribers(topics, tmp_path) as running:
        await write(producer, parts)
        await until_shown(running, rule, truth(history))
        shown = [one.pictures(rule) for one in running]
        await write(producer, parts[-20:])
        for topic in (ALERT_EVENTS, ALERT_STATE):
            await producer.send_all([Outgoing(topic, "garbage", Opaque(one)) for one in garbage])
        fired = last.enter("firing", clock.now_ms())
        await write_in_order(producer, fired)
        await until_shown(running, rule, truth([*history, fired]))
        assert [one.pictures(rule)[:-1] for one in running] == shown
        assert all(f"{topic.name}" in one.complaints for one in running for topic in (ALERT_EVENTS, ALERT_STATE))


async def test_they_go_on_after_kafka_was_away(tmp_path: Path, rule: str) -> None:
    chance = random.Random(6)
    history = random_history(chance, rule, alerts=5, transitions=60, begin_ms=clock.now_ms() - HOUR_MS)
    half = len(history) // 2
    kafka = RestartableKafka(tmp_path / "kafka")
    with ExitStack() as running:
        with kafka.there():
            await asyncio.to_thread(run_module, "infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
            await publish(kafka.bootstrap, as_written(chance, history[:half]))
            those = running.enter_context(subscribers(kafka.bootstrap, tmp_path))
            await until_shown(those, rule, truth(history[:half]))
        with kafka.there():
            await publish(kafka.bootstrap, as_written(chance, history[half:]))
            await until_shown(those, rule, truth(history))
            for one in those:
                never_goes_back(one.pictures(rule))
            running.close()


async def publish(bootstrap: str, parts: Sequence[Sequence[Outgoing]]) -> None:
    producer = Producer(bootstrap, "test")
    await producer.start()
    await write(producer, parts)
    await producer.stop()


def never_goes_back(pictures: Sequence[Picture]) -> None:
    """Fails the test if an alert was shown in a state that it had left."""
    furthest: dict[str, tuple[int, bool]] = {}
    for picture in pictures:
        for key, (episode, state) in picture.items():
            place = (episode, state == "firing")
            assert furthest.setdefault(key, place) <= place, key
            furthest[key] = place
