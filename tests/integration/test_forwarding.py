"""Metrics from a real bus to servers that check every field as Datadog's and New Relic's do."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from infra.local import ports
from services.notifier import metrics
from services.notifier.forward_settings import ForwardSettings
from services.notifier.forwarding import Forwarder
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.message import content_id
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import SAMPLES
from tests.conftest import eventually
from tests.integration.http_recorder import Asked, Recorder, Reply, recording
from tests.integration.programs import running as program

MINUTE = 60_000


def body(asked: Asked) -> Any:
    """aiohttp's server has unpacked it already."""
    return json.loads(asked.raw)


def as_datadog(asked: Asked) -> Reply:
    if asked.headers.get("DD-API-KEY") != "geheim":
        return Reply(403, {"errors": ["Forbidden"]})
    assert (asked.method, asked.path) == ("POST", "/api/v2/series")
    assert (asked.headers["Content-Type"], asked.headers["Content-Encoding"]) == ("application/json", "gzip")
    assert set(body(asked)) == {"series"}
    for series in body(asked)["series"]:
        assert set(series) <= {"metric", "type", "points", "tags", "interval", "resources", "unit"}
        assert series["type"] in (1, 3)
        assert (series["type"] == 1) == (series.get("interval") == 60)
        (point,) = series["points"]
        assert set(point) == {"timestamp", "value"}
        assert isinstance(point["timestamp"], int)
        assert clock.now_ms() // 1000 - 3_600 < point["timestamp"] <= clock.now_ms() // 1000
        assert all(":" in tag for tag in series["tags"])
    return Reply(202, {"errors": []})


def as_newrelic(asked: Asked) -> Reply:
    if asked.headers.get("Api-Key") != "lizenz":
        return Reply(403, {})
    assert (asked.method, asked.path, asked.headers["Content-Encoding"]) == ("POST", "/metric/v1", "gzip")
    (block,) = body(asked)
    assert block["common"]["attributes"]["instrumentation.provider"] == "pantau"
    for metric in block["metrics"]:
        assert metric["type"] in ("gauge", "count")
        assert isinstance(metric["timestamp"], int)
        assert (metric["type"] == "count") == (metric.get("interval.ms") == MINUTE)
    return Reply(202, {"requestId": "1"})


def dropped(target: str) -> dict[str, float]:
    """What was dropped, by reason."""
    found = [one for family in metrics.FORWARD_DROPPED.collect() for one in family.samples]
    return {
        one.labels["reason"]: one.value
        for one in found
        if one.labels["target"] == target and one.name.endswith("_total")
    }


def followed(target: str) -> float:
    """How many series are."""
    (family,) = metrics.FORWARD_SERIES.collect()
    return sum(one.value for one in family.samples if one.labels["target"] == target)


class Source:
    """Publishes samples under names of its own, since the bus is shared."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.gauge, self.counter = f"g_{uuid.uuid4().hex[:8]}", f"c_{uuid.uuid4().hex[:8]}_total"
        self.match = [f'{self.gauge}{{job="api"}}', self.counter]
        # The beginning of a minute that is over.
        self.begins = (clock.now_ms() // MINUTE - 5) * MINUTE

    async def publish(
        self, minute: int, gauge: float, counter: float, later_ms: int = 0, more: tuple[str, ...] = ()
    ) -> None:
        """A sample of each in that minute, and one that nobody asked for; `more` instances of the gauge."""
        at = self.begins + minute * MINUTE + later_ms
        samples = [
            Sample(f'{self.gauge}{{job="api"}}', at, gauge),
            Sample(f'{self.gauge}{{job="db"}}', at, 1e9),
            Sample(f'{self.counter}{{host="web-1"}}', at, counter, "counter"),
            *(Sample(f'{self.gauge}{{instance="{one}",job="api"}}', at, gauge) for one in more),
        ]
        batch = SampleBatch.of(self.gauge, samples)
        await self._producer.send(Outgoing(SAMPLES, batch.source, batch, content_id(self.gauge, str(at))))

    async def begin(self, target: str) -> None:
        """Publish one again and again, until it is seen that they are read."""
        tries = count()

        async def look() -> bool:
            await self.publish(0, 1.0, 100.0, next(tries))
            return followed(target) == 2

        await eventually(look)

    def datadog(self, server: Recorder) -> list[tuple[str, int, float]]:
        """(name, minute, value) of all points that were taken, in order."""
        return [
            (
                "gauge" if one["metric"] == f"pantau.{self.gauge}" else "counter",
                (one["points"][0]["timestamp"] * 1000 - self.begins) // MINUTE,
                one["points"][0]["value"],
            )
            for asked in server.asked
            for one in body(asked)["series"]
        ]


@asynccontextmanager
async def running(bootstrap: str, producer: Producer, group: str, *entries: dict[str, Any]) -> AsyncIterator[None]:
    forwarder = Forwarder(bootstrap, producer, [ForwardSettings.model_validate(one) for one in entries], group)
    task = asyncio.create_task(forwarder.run(drain_seconds=20))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    async def look() -> bool:
        return condition()

    await eventually(look)


def entry(kind: str, name: str, source: Source, server: Recorder, key: str) -> dict[str, Any]:
    account = {"api_key": key, "api_url": server.url}
    return {"name": name, kind: account, "match": source.match, "prefix": "pantau.", "tags": {"a": "b"}}


async def test_points_arrive_also_after_a_restart_and_what_is_refused_is_counted(
    topics: str, producer: Producer
) -> None:
    name, group = uuid.uuid4().hex[:8], f"pantau.test.{uuid.uuid4().hex[:8]}"
    source = Source(producer)
    async with recording(Recorder(as_datadog)) as datadog, recording(Recorder(as_newrelic)) as relic:
        one = entry("datadog", f"dd-{name}", source, datadog, "geheim")
        two = entry("newrelic", f"nr-{name}", source, relic, "lizenz")
        async with running(topics, producer, group, one, two):
            await source.begin(f"dd-{name}")
            await source.publish(1, 2.0, 107.0)
            await source.publish(2, 3.0, 110.0)
            await until(lambda: ("counter", 2, 3.0) in source.datadog(datadog))
        points = source.datadog(datadog)
        assert set(points) >= {("gauge", 1, 2.0), ("gauge", 2, 3.0), ("counter", 1, 7.0), ("counter", 2, 3.0)}
        assert sum(value for kind, _, value in points if kind == "counter") == 10
        assert not any(value == 1e9 for _, _, value in points), "nobody asked for it"
        assert all("a:b" in series["tags"] for asked in datadog.asked for series in body(asked)["series"])
        told = [metric for asked in relic.asked for metric in body(asked)[0]["metrics"]]
        assert sum(metric["value"] for metric in told if metric["type"] == "count") == 10
        assert {metric["attributes"].get("host") for metric in told if metric["type"] == "count"} == {"web-1"}
        # Nobody reads meanwhile; a counter's first value after that is what the next ones are compared with.
        await source.publish(3, 4.0, 200.0)
        await source.publish(3, 4.5, 205.0, 1_000)
        bad = entry("datadog", f"bad-{name}", source, datadog, "falsch")
        async with running(topics, producer, group, one, bad):
            await until(lambda: ("counter", 3, 5.0) in source.datadog(datadog))
            await until(lambda: dropped(f"bad-{name}").get("http_403") == 2)
        assert ("gauge", 3, 4.5) in source.datadog(datadog)


async def test_a_system_that_is_away_gets_its_points_when_it_is_back_and_holds_up_nobody(
    topics: str, producer: Producer
) -> None:
    name, group = uuid.uuid4().hex[:8], f"pantau.test.{uuid.uuid4().hex[:8]}"
    source = Source(producer)
    async with recording(Recorder(as_datadog)) as well, recording(Recorder(lambda _: Reply(503))) as ill:
        entries = [
            entry("datadog", f"{server}-{name}", source, one, "geheim")
            for server, one in (("well", well), ("ill", ill))
        ]
        async with running(topics, producer, group, *entries):
            await source.begin(f"ill-{name}")
            await source.publish(1, 2.0, 107.0)
            await until(lambda: ("counter", 1, 7.0) in source.datadog(well) and len(ill.asked) > 0)
            ill.asked.clear()
            ill.reply = as_datadog
            await until(lambda: ("counter", 1, 7.0) in source.datadog(ill))
        assert ("gauge", 1, 2.0) in source.datadog(ill)
        assert dropped(f"ill-{name}") == {}


async def test_what_is_left_goes_out_at_the_end(topics: str, producer: Producer) -> None:
    name, group = uuid.uuid4().hex[:8], f"pantau.test.{uuid.uuid4().hex[:8]}"
    source = Source(producer)
    source.begins = clock.now_ms() - 1_000  # its interval is not over
    async with recording(Recorder(lambda _: Reply(202))) as server:
        one = entry("datadog", f"dd-{name}", source, server, "geheim") | {"interval": "30m"}
        async with running(topics, producer, group, one):
            await source.begin(f"dd-{name}")
            await source.publish(0, 9.0, 117.0, 60_000, more=("last",))
            await until(lambda: followed(f"dd-{name}") == 3)
        assert {value for _, _, value in source.datadog(server)} >= {9.0, 17.0}


async def test_what_is_being_taken_at_the_end_is_not_sent_twice(topics: str, producer: Producer) -> None:
    name, group = uuid.uuid4().hex[:8], f"pantau.test.{uuid.uuid4().hex[:8]}"
    source = Source(producer)
    async with recording(Recorder(lambda _: Reply(202, how="hang"))) as server:
        async with running(topics, producer, group, entry("datadog", f"dd-{name}", source, server, "geheim")):
            await source.begin(f"dd-{name}")
            await source.publish(1, 2.0, 107.0)
            await until(lambda: len(server.asked) == 1)
            asyncio.get_running_loop().call_later(0.5, server.over.set)  # it answers while the forwarder ends
        assert sorted(source.datadog(server)) == sorted(set(source.datadog(server)))
        assert ("gauge", 1, 2.0) in source.datadog(server)


async def test_the_notifier_forwards_what_its_settings_say(topics: str, producer: Producer, tmp_path: Path) -> None:
    source = Source(producer)
    async with recording(Recorder(as_datadog)) as server:
        entries = [entry("datadog", "dd", source, server, "geheim")]
        environment = {
            "PANTAU_KAFKA__BOOTSTRAP": topics,
            "PANTAU_NOTIFIER__ADMIN__PORT": str(ports.free()[0]),
            "PANTAU_NOTIFICATIONS__FORWARD": json.dumps(entries),
        }
        tries = count()

        async def look() -> bool:
            await source.publish(0, 1.0, 100.0, next(tries))
            return bool(server.asked)

        with program("services.notifier", tmp_path / "log", **environment):
            await eventually(look)
        assert ("gauge", 0, 1.0) in source.datadog(server)
