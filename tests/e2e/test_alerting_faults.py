"""A thousand alerts go up and down while workers and servers are killed, and while workers come and go."""

import asyncio
import os
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import pytest

from services.alerting.settings import Settings
from shared.messages.rules import RuleGroup
from shared.settings import load as load_settings
from tests.conftest import eventually
from tests.e2e.conftest import Stack
from tests.integration import alerting_load, alerting_told
from tests.integration.alerting_load import Load, Watched, rich, watched
from tests.integration.alerting_told import Told, differences, fold_offline, shown

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("PANTAU_TEST_KILLS", "3"))
VICTIMS = ("alerting", "kafka", "alerting-2", "alerting-3", "postgres", "collector")


@pytest.fixture
def prefix() -> str:
    """Names of this test's own begin with it."""
    return f"test_{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def told(stack: Stack) -> AsyncIterator[Told]:
    """What alerting tells."""
    reading = Told(stack.kafka)
    yield reading
    await reading.close()


async def workers(stack: Stack, count: int) -> None:
    """Have so many alerting workers."""
    await asyncio.to_thread(
        stack.cli, "up", "--detach", "--config", str(stack.config), "--alerting-workers", str(count)
    )


@pytest.fixture
async def one_worker_again(stack: Stack) -> AsyncIterator[None]:
    """However many workers a test has, the next one begins with one."""
    yield
    await workers(stack, 1)


@pytest.mark.timeout(1_800)
@pytest.mark.usefixtures("one_worker_again")
async def test_nothing_is_lost_or_invented_when_anything_is_killed(stack: Stack, told: Told, prefix: str) -> None:
    chance, groups, more = random.Random(KILLS), watched(prefix), rich(prefix)
    await workers(stack, 3)
    victims = [
        one for start in range(0, KILLS, len(VICTIMS)) for one in _shuffled(chance, min(KILLS - start, len(VICTIMS)))
    ]
    async with alerting_load.load(stack.kafka, groups, prefix, KILLS, more) as load:
        await asyncio.sleep(3)
        for victim in victims:
            await asyncio.to_thread(stack.kill, victim)
            await asyncio.sleep(chance.uniform(0.5, 6))
        await _check(stack, told, groups, more, load)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("one_worker_again")
async def test_groups_move_when_workers_come_and_go(stack: Stack, told: Told, prefix: str) -> None:
    groups, more = watched(prefix), rich(prefix)
    async with alerting_load.load(stack.kafka, groups, prefix, 1, more) as load:
        for count in (3, 1):
            await asyncio.sleep(2)
            await workers(stack, count)
        await asyncio.sleep(1)
        await _check(stack, told, groups, more, load)


async def _check(stack: Stack, told: Told, groups: list[Watched], more: list[RuleGroup], load: Load) -> None:
    """Once the load is calm and all is told: it is what the samples demand, and what the fold makes of the logs."""
    everybody = {*alerting_told.names(groups), *(group.name for group in more)}
    await load.end()
    await eventually(partial(alerting_told.until_calm, told, everybody, load), 400)
    found: list[str] = []

    async def as_it_must_be() -> bool:
        nonlocal found
        await told.read()
        found = await alerting_told.faults(stack.kafka, groups, told, load)
        return not found

    with suppress(AssertionError):
        await eventually(as_it_must_be, 30)
    assert not found, shown(found)
    fired = Counter(event.rule for event in told.of(everybody) if event.state == "firing")
    assert fired.keys() == {rule.name for group in more for rule in group.rules if rule.kind == "alert"} | {
        one.rule.name for one in groups
    }
    alerts = {event.alert_id for event in told.of(alerting_told.names(groups)) if event.state == "firing"}
    assert len(alerts) == sum(len(one.series) for one in groups)
    assert await alerting_told.still_active(stack.kafka, everybody) == {}

    terms = load_settings(Settings, {}, stack.config).terms
    folded = await asyncio.to_thread(fold_offline, await alerting_told.inputs_of(stack.kafka), terms)
    await told.read()
    # Groups of other tests, and the default rules, go on meanwhile.
    found = differences([one for one in folded if one.group in everybody], told.of(everybody))
    assert not found, shown(found)


def _shuffled(chance: random.Random, count: int) -> list[str]:
    """The first so many victims, in any order."""
    return chance.sample(VICTIMS[:count], count)
