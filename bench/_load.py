"""The generator: counters of many instances, sent as a collector sends them, a page of an exporter at a time.

Built to cost little beside what is measured: what does not change of a message is encoded once, the values of a page
are one numpy expression.
"""

import asyncio
import time
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
from aiokafka import AIOKafkaProducer

from shared import clock
from shared.messages.topics import SAMPLES

METRICS, ROUTES = 100, 20
LARGEST_PAGE = 1_000
MOST_PAGES_A_SECOND = 10
"""Fewer samples a second than this many whole pages: smaller pages, as often."""
RISE_PER_MS = 10 / 15_000
MOST_IN_FLIGHT = 400


class _Batch(msgspec.Struct):
    """A SampleBatch whose constant fields are encoded already."""

    source: str
    series: msgspec.Raw
    types: msgspec.Raw
    index: bytes
    times: bytes
    values: bytes


@dataclass(frozen=True)
class Page:
    """What one message holds of the series: those from `begin` to below `end`."""

    source: str
    series: msgspec.Raw
    types: msgspec.Raw
    index: bytes
    begin: int
    end: int


def series_keys(series: int) -> list[str]:
    """That many keys, a hundred metrics of one instance after those of another."""
    return [
        f'app_metric_{number % METRICS}_total{{instance="host-{instance}",job="pantau",route="/r{instance % ROUTES}"}}'
        for number in range(series)
        for instance in (number // METRICS,)
    ]


def pages(keys: list[str], size: int) -> list[Page]:
    """All series in messages of `size`; a thousand at a time are of one source."""
    encode = msgspec.msgpack.encode
    return [
        Page(
            f"collector/bench-{begin // LARGEST_PAGE}",
            msgspec.Raw(encode(keys[begin : begin + size])),
            msgspec.Raw(encode(["counter"] * len(keys[begin : begin + size]))),
            np.arange(len(keys[begin : begin + size]), dtype="<u4").tobytes(),
            begin,
            min(begin + size, len(keys)),
        )
        for begin in range(0, len(keys), size)
    ]


def encoded(page: Page, time_ms: int, values: npt.NDArray[np.float64]) -> bytes:
    """The message: a sample of each of the page's series, at one time."""
    times: npt.NDArray[np.int64] = np.full(len(values), time_ms, "<i8")
    batch = _Batch(page.source, page.series, page.types, page.index, times.tobytes(), values.tobytes())
    return _encoder.encode(batch)


class Load:
    """Sends samples of all series in turn, at `rate` samples a second of their own time, from `since_ms` on.

    Where their time is over it sends at once, so that it catches up with the clock; from then on it keeps pace with it.
    """

    def __init__(self, bootstrap: str, series: int, rate: float, since_ms: int) -> None:
        self._keys = series_keys(series)
        self._slopes = RISE_PER_MS * np.random.default_rng(1).uniform(0.5, 1.5, series)
        self._begun_ms = self._due_ms = float(since_ms)
        self._next = 0
        self._pages: list[Page] = []
        self._sample_ms = 1.0
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=512 * 1024,
            max_request_size=2 * 1024 * 1024,
        )
        self._places = asyncio.Semaphore(MOST_IN_FLIGHT)
        self.acknowledged = 0
        """Samples that the bus took."""
        self._spread(rate)

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is under way and disconnect."""
        await self._producer.stop()

    def set_rate(self, rate: float) -> None:
        """Samples a second from now on; what has not been sent yet of the time before is left out."""
        self._spread(rate)
        self._due_ms = float(clock.now_ms())

    def _spread(self, rate: float) -> None:
        size = int(min(LARGEST_PAGE, max(rate // MOST_PAGES_A_SECOND, 1), len(self._keys)))
        if not self._pages or size != self._pages[0].end - self._pages[0].begin:
            self._pages, self._next = pages(self._keys, size), 0
        self._sample_ms = 1_000 / rate

    @property
    def behind_ms(self) -> float:
        """How far what is sent is behind the clock."""
        return max(clock.now_ms() - self._due_ms, 0.0)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            early = self._due_ms - clock.now_ms()
            if early > 0:
                await asyncio.sleep(early / 1_000)
            page = self._pages[self._next]
            await self._send(page, int(self._due_ms))
            self._next = (self._next + 1) % len(self._pages)
            self._due_ms += self._sample_ms * (page.end - page.begin)

    async def _send(self, page: Page, time_ms: int) -> None:
        await self._places.acquire()
        samples = page.end - page.begin
        values = np.floor(self._slopes[page.begin : page.end] * (time_ms - self._begun_ms))
        sent = await self._producer.send(SAMPLES.name, key=page.source.encode(), value=encoded(page, time_ms, values))
        sent.add_done_callback(lambda outcome: self._settled(outcome, samples))

    def _settled(self, outcome: "asyncio.Future[object]", samples: int) -> None:
        self._places.release()
        if not outcome.cancelled():
            outcome.result()
            self.acknowledged += samples


class Pace:
    """How many samples a second the bus took between two moments."""

    def __init__(self, load: Load) -> None:
        self._load, self._begun, self._at = load, time.perf_counter(), load.acknowledged

    def so_far(self) -> float:
        """Samples a second."""
        return (self._load.acknowledged - self._at) / (time.perf_counter() - self._begun)


_encoder = msgspec.msgpack.Encoder()
