"""Sources side by side: what one does is no matter to another."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.collector.scheduler import Reader
from services.collector.source import Reading
from shared.messages.samples import Sample
from shared.metrics import Metric
from tests.conftest import eventually

COUNT = Metric("readings", "gauge", "", "How many readings there were", ("host",))


class Scripted:
    """A source that does what a test says."""

    host, origin = "web-1", "collector/web-1/scripted"
    metrics: tuple[Metric, ...] = (COUNT,)
    reasons: tuple[str, ...] = ("known",)

    def __init__(
        self, name: str, act: Callable[[], Awaitable[Reading | None]], interval: float = 0.02, deadline: float = 0.2
    ) -> None:
        self.name, self._act = name, act
        self.interval_seconds, self.deadline_seconds = interval, deadline
        self.begun = self.at_once = self.most_at_once = 0

    async def read(self, now_ms: int) -> Reading:
        self.begun += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            reading = await self._act()
            return reading or Reading([COUNT.sample(now_ms, self.begun, host=self.host)])
        finally:
            self.at_once -= 1


class Published:
    """What readers published, by source."""

    def __init__(self) -> None:
        self.batches: dict[str, list[dict[str, float]]] = {}

    def __call__(self, source: object, samples: list[Sample]) -> None:
        name = getattr(source, "name", "")
        self.batches.setdefault(name, []).append({sample.series: sample.value for sample in samples})

    def errors(self, name: str, reason: str) -> float:
        series = f'pantau_source_errors_total{{host="web-1",reason="{reason}",source="{name}"}}'
        return self.batches[name][-1].get(series, -1.0) if name in self.batches else -1.0

    def up(self, name: str) -> list[float]:
        return [batch[f'pantau_source_up{{host="web-1",source="{name}"}}'] for batch in self.batches.get(name, [])]


async def nothing() -> None:
    return None


async def until(published: Published, condition: Callable[[], bool], *sources: Scripted) -> None:
    """Read `sources` side by side until `condition`."""
    tasks = [asyncio.create_task(Reader(source, published, longest_pause_seconds=0.05).run()) for source in sources]

    async def look() -> bool:
        return condition()

    try:
        await eventually(look)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes


async def test_each_reading_says_how_it_went() -> None:
    published = Published()
    await until(published, lambda: len(published.up("good")) >= 3, Scripted("good", nothing))
    first, second = published.batches["good"][:2]
    assert first['readings{host="web-1"}'] == 1.0
    assert second['readings{host="web-1"}'] == 2.0
    assert set(published.up("good")) == {1.0}
    assert 0 <= first['pantau_source_duration_seconds{host="web-1",source="good"}'] < 60
    assert published.errors("good", "deadline") == published.errors("good", "error") == 0


async def test_a_source_that_hangs_delays_no_other() -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    published = Published()
    stuck, good = Scripted("stuck", for_ever, deadline=30.0), Scripted("good", nothing)
    await until(published, lambda: len(published.up("good")) >= 10, stuck, good)
    assert stuck.begun == 1


async def test_a_deadline_holds_and_is_counted() -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    published = Published()
    source = Scripted("slow", for_ever, deadline=0.01)
    await until(published, lambda: published.errors("slow", "deadline") >= 2, source)
    assert set(published.up("slow")) == {0.0}
    assert source.most_at_once == 1


async def test_one_that_resists_its_cancellation_is_not_read_twice_at_once() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    published = Published()
    source = Scripted("stubborn", stubborn, deadline=0.01)
    await until(published, lambda: published.errors("stubborn", "hanging") >= 2, source)
    assert (source.begun, published.errors("stubborn", "deadline")) == (1, 1.0)
    release.set()


async def test_after_failures_it_is_well_again(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([True, False, False, True])

    async def flapping() -> None:
        if not next(outcomes, True):
            raise ConnectionRefusedError("nobody there")

    published = Published()
    await until(published, lambda: len(published.up("flapping")) >= 5, Scripted("flapping", flapping))
    assert published.up("flapping")[:5] == [1.0, 0.0, 0.0, 1.0, 1.0]
    assert published.errors("flapping", "error") == 2
    assert 'readings{host="web-1"}' not in published.batches["flapping"][1]


async def test_a_reading_that_says_itself_that_it_failed_is_published_and_counts_as_a_failure() -> None:
    async def down() -> Reading:
        return Reading([COUNT.sample(1_790_000_000_000, 0, host="web-1")], (), "refused")

    published = Published()
    source = Scripted("down", down)
    await until(published, lambda: published.errors("down", "refused") >= 3, source)
    assert set(published.up("down")) == {0.0}
    assert all(batch['readings{host="web-1"}'] == 0 for batch in published.batches["down"])
    assert published.errors("down", "error") == 0


async def test_parts_that_fail_and_samples_that_are_refused_are_counted() -> None:
    async def partly() -> Reading:
        good = COUNT.sample(1_790_000_000_000, 1, host="web-1")
        return Reading([good, good, good._replace(series="no good")], ("disk_deadline", "disk_deadline"))

    published = Published()
    await until(published, lambda: len(published.up("partly")) >= 1, Scripted("partly", partly))
    first = published.batches["partly"][0]
    for reason, count in {"disk_deadline": 2, "duplicate_sample": 1, "bad_sample": 1, "error": 0, "known": 0}.items():
        assert first[f'pantau_source_errors_total{{host="web-1",reason="{reason}",source="partly"}}'] == count
    assert first['readings{host="web-1"}'] == 1.0


async def test_instants_that_a_slow_reading_left_out_are_counted() -> None:
    async def slow() -> None:
        await asyncio.sleep(0.05)

    published = Published()
    await until(
        published, lambda: published.errors("slow", "missed") >= 2, Scripted("slow", slow, interval=0.02, deadline=10.0)
    )
