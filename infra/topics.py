"""`python -m infra.topics`: bring the broker's topics to the catalogue in `shared/messages/topics.py`.

Can be run at any time: creates what is missing, adds partitions, adjusts settings that differ, and says what it did.
Settings that the catalogue does not name, and topics that are not in it, are left alone.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)

from shared.messages.topics import INTERNAL_TOPICS, TOPICS, Topic
from shared.settings import BadSettings, CommonSettings, load

DEADLINE_SECONDS = 60.0
PAUSE_SECONDS = 0.1
# Three copies where there are three brokers, of which two must have a message before it counts as accepted.
MOST_COPIES = 3
ENOUGH_COPIES = {"min.insync.replicas": "2"}
# Where a setting comes from, in Kafka's protocol: 1 is "set for this topic".
SET_FOR_TOPIC = 1

# What says that a broker is about to be ready, not that the request is wrong.
STARTING = (KafkaConnectionError, InvalidReplicationFactorError, OSError, TimeoutError)


@dataclass(frozen=True)
class Existing:
    """A topic as the broker has it: its number of partitions, and the settings that were made for it."""

    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """One thing to do to one topic, and the words for it."""

    topic: Topic
    kind: str
    """`create`, `partitions` or `config`."""
    config: Mapping[str, str]
    """The whole of the topic's settings afterwards."""
    said: str


def plan(wanted: Iterable[Topic], existing: Mapping[str, Existing], brokers: int) -> list[Change]:
    """The changes that bring `existing` (by name) to what is `wanted` on a cluster of so many `brokers`."""
    changes = []
    for topic in wanted:
        config = topic.broker_config() | (ENOUGH_COPIES if brokers >= MOST_COPIES else {})
        there = existing.get(topic.name)
        if there is None:
            changes.append(Change(topic, "create", config, f"created with {_partitions(topic.partitions)}"))
            continue
        if there.partitions < topic.partitions:
            said = f"{there.partitions} -> {_partitions(topic.partitions)}"
            changes.append(Change(topic, "partitions", {}, said))
        different = {name: value for name, value in config.items() if there.config.get(name) != value}
        if different:
            said = ", ".join(f"{name}: {there.config.get(name, 'default')} -> {v}" for name, v in different.items())
            changes.append(Change(topic, "config", {**there.config, **config}, said))
    return changes


async def bring_up_to_date(
    bootstrap: str, wanted: Sequence[Topic] = (*TOPICS, *INTERNAL_TOPICS), deadline_seconds: float = DEADLINE_SECONDS
) -> list[str]:
    """Make the broker's topics what is `wanted`; what was done, a line each. Waits for a broker that is starting.

    TimeoutError after the deadline, KafkaError when the broker refuses.
    """
    deadline = time.monotonic() + deadline_seconds

    async def once() -> list[str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
        try:
            await admin.start()
            return await _apply(admin, wanted)
        finally:
            await admin.close()

    return await _retried(once, deadline, bootstrap)


async def _retried(work: Callable[[], Awaitable[list[str]]], deadline: float, bootstrap: str) -> list[str]:
    while True:
        try:
            return await work()
        except STARTING as error:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"no broker took requests at {bootstrap}: {error or type(error).__name__}"
                ) from error
        await asyncio.sleep(PAUSE_SECONDS)


async def _apply(admin: AIOKafkaAdminClient, wanted: Sequence[Topic]) -> list[str]:
    brokers = len((await admin.describe_cluster())["brokers"])
    if brokers == 0:
        raise KafkaConnectionError("the broker has not joined its cluster yet")
    done = []
    for change in plan(wanted, await _existing(admin, wanted), brokers):
        await _do(admin, change, min(brokers, MOST_COPIES))
        done.append(f"{change.topic.name}: {change.said}")
    return done


async def _existing(admin: AIOKafkaAdminClient, wanted: Sequence[Topic]) -> dict[str, Existing]:
    names = {topic.name for topic in wanted} & set(await admin.list_topics())
    if not names:
        return {}
    described = await admin.describe_topics(sorted(names))
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(names)]
    config: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            _check(code, message)
            config[name] = {key: value for key, value, _, source, *_ in entries if source == SET_FOR_TOPIC}
    return {one["topic"]: Existing(len(one["partitions"]), config[one["topic"]]) for one in described}


async def _do(admin: AIOKafkaAdminClient, change: Change, copies: int) -> None:
    topic = change.topic
    if change.kind == "create":
        new = NewTopic(topic.name, topic.partitions, copies, topic_configs=dict(change.config))
        response: Any = await admin.create_topics([new])
        for _, code, *rest in response.topic_errors:
            if for_code(code) is not TopicAlreadyExistsError:  # another start of ours was quicker
                _check(code, rest[0] if rest else None)
    elif change.kind == "partitions":
        response = await admin.create_partitions({topic.name: NewPartitions(topic.partitions)})
        for _, code, message in response.topic_errors:
            _check(code, message)
    else:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, dict(change.config))
        for response in await admin.alter_configs([resource]):
            for code, message, *_ in response.resources:
                _check(code, message)


def _check(code: int, message: str | None) -> None:
    if code:
        raise for_code(code)(message or "")


def _partitions(count: int) -> str:
    return f"{count} partition{'' if count == 1 else 's'}"


def main() -> int:
    """Bring the topics of the configured broker up to date; the exit status."""
    try:
        bootstrap = load(CommonSettings).kafka.bootstrap
        done = asyncio.run(bring_up_to_date(bootstrap))
    except (BadSettings, KafkaError, TimeoutError) as error:
        print(f"Topics could not be brought up to date: {error}", file=sys.stderr)
        return 1
    for line in done or ["All topics are as the catalogue has them."]:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
