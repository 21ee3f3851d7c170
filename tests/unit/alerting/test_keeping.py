"""Snapshots are stored beside the folding: what is kept of earlier ones, and what happens when the partition goes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from services.alerting.core import snapshots
from services.alerting.core.fold import Fold, fold_one
from services.alerting.core.terms import Terms
from services.alerting.keeping import Keeper
from services.alerting.store import MANIFEST
from shared.messages.samples import Sample
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Log, Simulation
from tests.cases.timeline import START_MS


class Kept:
    """A table in memory, whose writes may be held up."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.writes = 0

    def read(self, partition: int) -> dict[str, bytes]:
        return dict(self.entries)

    async def write(self, partition: int, entries: dict[str, bytes | None]) -> None:
        self.writes += 1
        await self.goes_on.wait()
        for key, value in entries.items():
            if value is None:
                self.entries.pop(key, None)
            else:
                self.entries[key] = value


def log_of_samples() -> Log:
    simulation = Simulation(now_ms=START_MS)
    simulation.define(parse_rule_file("groups: [{name: g, rules: [{alert: r, expr: m > 100}]}]", "test"))
    for second in range(60):
        simulation.now_ms = START_MS + second * 1_000
        simulation.send("collector/a", [Sample(f'm{{a="{second}"}}', simulation.now_ms, 1)])
    return simulation.log


async def test_chunks_of_the_snapshot_before_stay_for_one_more() -> None:
    fold, table, needed = Fold(Terms()), Kept(), list[set[str]]()
    with ThreadPoolExecutor(1) as threads:
        keeper = Keeper(0, table, "test", threads, lambda: None)
        for offset, (message, at) in enumerate(log_of_samples(), 1):
            list(fold_one(fold, message, at))
            keeper.begin(fold, offset)
            await keeper.end()
            needed.append(snapshots.decode_manifest(table.entries[MANIFEST]).keys)
            assert table.entries.keys() == set().union(*needed[-2:]) | {MANIFEST}
    assert needed[0] - needed[1], "else there was nothing to keep"


async def test_a_partition_that_is_given_up_gets_no_manifest_any_more() -> None:
    fold, table = Fold(Terms()), Kept()
    with ThreadPoolExecutor(1) as threads:
        keeper = Keeper(0, table, "test", threads, lambda: None)
        for message, at in log_of_samples():
            list(fold_one(fold, message, at))
        table.goes_on.clear()
        keeper.begin(fold, 100)
        async with asyncio.timeout(30):
            while not table.writes:  # noqa: ASYNC110  (the table sets nothing)
                await asyncio.sleep(0.01)
        going = asyncio.create_task(keeper.give_up())
        await asyncio.sleep(0)
        table.goes_on.set()
        await going
    assert table.entries, "what was on its way has come"
    assert MANIFEST not in table.entries
