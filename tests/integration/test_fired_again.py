"""Fire, resolve, tombstone, compaction, fire again: everybody is told of each, and nobody twice.

All of it is real: the rule and samples come over HTTP; alerting; the notifier, with a webhook; the HTTP API's view; and
the subscribers that docs/subscribe.md shows.
"""

import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from subprocess import Popen

import pytest

from infra.local import ports
from shared.bus import Producer
from shared.messages.alerts import AlertEvent, episode_id
from shared.messages.topics import ALERT_STATE
from tests.conftest import eventually
from tests.integration.alerting_worker import Worker, until_events
from tests.integration.api_process import Api, make_tokens, new_database, running_api
from tests.integration.programs import running
from tests.integration.subscribers.compaction import eager, until_gone
from tests.integration.subscribers.histories import Picture
from tests.integration.subscribers.running import LANGUAGES, Subscriber, subscriber
from tests.integration.webhook_receiver import Receiver, listening


@pytest.fixture
def name() -> str:
    """A metric and rule of this test's own."""
    return f"again_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def programs() -> Iterator[ExitStack]:
    """What is entered here runs until the test's end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    """A database with nothing but users in it."""
    return new_database(postgres_dsn)


@pytest.fixture(scope="module")
def tokens(dsn: str) -> dict[str, str]:
    """A token for each role."""
    return make_tokens(dsn)


@pytest.fixture
async def api(topics: str, dsn: str, tokens: dict[str, str], tmp_path: Path) -> AsyncIterator[Api]:
    """The HTTP API."""
    async with running_api(tmp_path, topics, dsn, tokens) as one:
        await one.known()
        yield one


@pytest.fixture
async def alerting(topics: str, tmp_path: Path) -> AsyncIterator[None]:
    """Alerting runs."""
    worker = Worker(topics, tmp_path / "alerting.log")
    worker.start()
    await worker.ready()
    yield
    worker.stop()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Who is told by webhook."""
    async with listening(Receiver()) as one:
        yield one


def notifier(bootstrap: str, receiver: Receiver, directory: Path) -> AbstractContextManager[Popen[bytes]]:
    """The notifier, for as long as the block lasts."""
    (admin,) = ports.free()
    return running(
        "services.notifier",
        directory / "notifier.log",
        PANTAU_KAFKA__BOOTSTRAP=bootstrap,
        PANTAU_NOTIFIER__ADMIN__PORT=str(admin),
        PANTAU_NOTIFICATIONS__ROUTE=json.dumps({"receiver": "ops", "immediate": True}),
        PANTAU_NOTIFICATIONS__RECEIVERS=json.dumps(
            [{"name": "ops", "webhook_configs": [{"url": receiver.url, "format": "pantau"}]}]
        ),
    )


def subscribers(programs: ExitStack, bootstrap: str, directory: Path) -> list[Subscriber]:
    """One in each language, from now on."""
    directory.mkdir()
    return [programs.enter_context(subscriber(language, bootstrap, directory)) for language in LANGUAGES]


async def push(api: Api, name: str, value: float, **labels: str) -> None:
    answer = await api.push({"metric_name": name, "value": value, "labels": labels})
    assert answer.status < 300, answer.text


async def until_told(receiver: Receiver, name: str, states: list[str]) -> None:
    """Return once the receiver was told just this of the rule."""

    async def look() -> list[str]:
        return receiver.states(name) if len(receiver.states(name)) >= len(states) else []

    assert await eventually(look) == states


async def until_known(api: Api, those: list[Subscriber], name: str, firing: list[AlertEvent]) -> None:
    """Return once the API and the subscribers have just these as the rule's active alerts."""
    wanted: Picture = {event.alert_id: (event.episode, "firing") for event in firing}

    async def shown() -> bool:
        active = (await api.get("/api/monitoring/alerts?status=active")).body
        ours = sorted(alert["id"] for alert in active if alert["name"] == name)
        pictures = [one.pictures(name)[-1:] for one in those]
        return ours == sorted(episode_id(key, episode) for key, (episode, _) in wanted.items()) and all(
            picture == [wanted] for picture in pictures
        )

    await eventually(shown)


@pytest.mark.usefixtures("alerting")
async def test_what_fires_again_after_compaction_is_told_once_more(
    topics: str,
    dsn: str,
    tokens: dict[str, str],
    producer: Producer,
    api: Api,
    receiver: Receiver,
    programs: ExitStack,
    tmp_path: Path,
    name: str,
) -> None:
    assert (await api.post_rule(name=name, condition=f"{name} > 100")).status == 201
    early = subscribers(programs, topics, tmp_path / "early")
    await until_known(api, early, name, [])
    with notifier(topics, receiver, tmp_path):
        await push(api, name, 123)
        (first,) = await until_events(topics, name, ["firing"])
        await until_told(receiver, name, ["firing"])
        await until_known(api, early, name, [first])
        await push(api, name, 50)
        await until_events(topics, name, ["firing", "resolved"])
        await until_told(receiver, name, ["firing", "resolved"])
        await until_known(api, early, name, [])

        async with eager(topics, ALERT_STATE):
            await until_gone(topics, ALERT_STATE, first.alert_id, producer)
        late = subscribers(programs, topics, tmp_path / "late")
        await until_known(api, [*early, *late], name, [])
        await push(api, name, 124)
        *_, again = await until_events(topics, name, ["firing", "resolved", "firing"])
        assert (again.alert_id, again.transition) == (first.alert_id, 1)
        assert again.episode > first.episode
        await until_told(receiver, name, ["firing", "resolved", "firing"])
        await until_known(api, [*early, *late], name, [again])

    # Whoever comes only now, or comes back, knows the second episode and repeats nothing.
    (tmp_path / "second").mkdir()
    latest = subscribers(programs, topics, tmp_path / "latest")
    async with running_api(tmp_path / "second", topics, dsn, tokens) as second:
        await until_known(second, latest, name, [again])
        with notifier(topics, receiver, tmp_path):
            await push(api, name, 125, host="another")
            *_, another = await until_events(topics, name, ["firing", "resolved", "firing", "firing"])
            await until_told(receiver, name, ["firing", "resolved", "firing", "firing"])
            await until_known(second, [*early, *late, *latest], name, [again, another])
    assert set(Counter(one.id for one in receiver.requests).values()) == {1}
    for one in early:
        assert [set(picture) for picture in one.pictures(name)] == [
            set(), {first.alert_id}, set(), {again.alert_id}, {again.alert_id, another.alert_id},
        ]  # fmt: skip
