"""The running service and a backtest tell the same of an hour of samples, also when the service is killed midway.

The hour is on the bus before alerting starts, and longer ago than one hour, as after a time in which it was away: the
topics of rules and samples take the times of acceptance from the sender here. What rules make of others' outputs is
made up for as what they make of samples.
"""

import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from infra.topics import bring_up_to_date
from services.alerting.core.terms import Terms
from shared import clock
from shared.messages.rules import RuleGroup
from shared.messages.topics import RULES, SAMPLES
from shared.rules.backtest import backtest
from shared.rules.files import parse_rule_file
from shared.rules.plan import plan_group
from tests.conftest import eventually
from tests.integration.alerting_told import Told
from tests.integration.alerting_worker import Worker
from tests.unit.alerting.rule_files import RICH
from tests.unit.alerting.simulated import (
    HOUR_SECONDS,
    Accepted,
    apart,
    decided,
    history_of,
    known_by,
    reading,
    samples_of,
    sources_of,
    told,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

HOUR_MS = HOUR_SECONDS * 1_000
HOSTS = 16


async def put(bootstrap: str, groups: list[RuleGroup], accepted: list[Accepted], rules_ms: int) -> None:
    """Rules and samples on the bus, accepted when they say."""
    for topic in (RULES, SAMPLES):
        await bring_up_to_date(bootstrap, [replace(topic, config={"message.timestamp.type": "CreateTime"})])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for group in groups:
            await producer.send_and_wait(RULES.name, group.encode(), group.name.encode(), timestamp_ms=rules_ms)
        for one in accepted:
            await producer.send(
                SAMPLES.name,
                one.batch.encode(),
                one.batch.source.encode(),
                partition=one.partition,
                timestamp_ms=one.accepted_ms,
            )
        await producer.flush()
    finally:
        await producer.stop()


async def test_an_hour_live_with_a_kill_midway_is_an_hour_in_a_backtest(own_topics: str, tmp_path: Path) -> None:
    start_ms = (clock.now_ms() - 3 * HOUR_MS) // 60_000 * 60_000
    end_ms = start_ms + HOUR_MS - 60_000
    drafts = parse_rule_file(RICH, "rules.yaml")
    accepted = samples_of(sources_of(HOSTS), reading, HOUR_SECONDS - 60, start_ms=start_ms)
    await put(own_topics, [draft.group(1, "test", start_ms) for draft in drafts], accepted, start_ms)
    found = backtest(
        [plan_group(draft) for draft in drafts],
        history_of(accepted),
        start_ms,
        end_ms,
        known=known_by(accepted),
        dark_after_ms=Terms().dark_after_ms,
    )
    expected = decided(found)

    worker, reader = Worker(own_topics, tmp_path / "log"), Told(own_topics)

    async def so_many(count: int) -> bool:
        await reader.read()
        return len(told(reader.events, end_ms)) >= count

    try:
        worker.start()
        await eventually(lambda: so_many(len(expected) // 3))
        worker.kill(signal.SIGKILL)
        worker.start()
        with suppress(AssertionError):
            await eventually(lambda: so_many(len(expected)))
        assert apart(told(reader.events, end_ms), expected) == []
    finally:
        worker.stop()
        await reader.close()
