"""PromQL over history: samples are read, then the query is evaluated, beside the event loop and bounded."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from prometheus_client import Counter, Histogram

from services.api.core.query_answers import answer_body, value_count
from services.api.core.query_parameters import Asked
from services.api.settings import QuerySettings
from shared import clock
from shared.database import Database
from shared.promql.errors import QueryRefused
from shared.promql.limits import Limits
from shared.promql.query import Options
from shared.promql.source import Source
from shared.storage import load, wants_of

SECONDS = Histogram(
    "pantau_api_query_seconds",
    "Time that queries over history took, by part",
    ["part"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
BUSY = Counter("pantau_api_queries_refused_total", "Queries that found no free place in time")
CELLS_PER_SAMPLE = 2
"""Intermediate results may hold so many times the samples that may be read."""


class TooManyQueries(Exception):
    """As many are under way as are allowed, and none ended in time."""


class Queries:
    """Answers queries, at most `at_once` side by side."""

    def __init__(self, database: Database, settings: QuerySettings) -> None:
        self._database, self._settings = database, settings
        self._free = asyncio.Semaphore(settings.at_once)
        self._threads = ThreadPoolExecutor(settings.at_once, thread_name_prefix="query")

    async def answer(self, asked: Asked) -> bytes:
        """The answer as JSON. QueryRefused, QueryFailed, BadQuery, DatabaseUnavailable, TooManyQueries."""
        most = self._settings.most_seconds
        seconds = most if asked.timeout_seconds is None else min(asked.timeout_seconds, most)
        limits = Limits(
            samples=self._settings.most_samples,
            series=self._settings.most_series,
            steps=max(self._settings.most_points + 1, Limits().steps),
            cells=self._settings.most_samples * CELLS_PER_SAMPLE,
            clock=clock.elapsed,
            deadline=clock.elapsed() + seconds,
        )
        options = Options(lookback_ms=asked.lookback_ms, limits=limits)
        async with self._place(seconds):
            with SECONDS.labels("reading").time():
                wants = wants_of(asked.query, asked.start_ms, asked.end_ms, options, asked.step_ms)
                source = await load(self._database, wants, limits)
            with SECONDS.labels("evaluating").time():
                loop = asyncio.get_running_loop()
                most_values = self._settings.most_values
                return await loop.run_in_executor(self._threads, _answer, asked, source, options, most_values)

    @asynccontextmanager
    async def _place(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            BUSY.inc()
            raise TooManyQueries from None
        try:
            yield
        finally:
            self._free.release()


def _answer(asked: Asked, source: Source, options: Options, most_values: int) -> bytes:
    if asked.step_ms:
        answer = asked.query.range(source, asked.start_ms, asked.end_ms, asked.step_ms, options)
    else:
        answer = asked.query.instant(source, asked.start_ms, options)
    count = value_count(answer)
    if count > most_values:
        raise QueryRefused("values", f"its answer has {count} values, at most {most_values}; take longer steps")
    return msgspec.json.encode(answer_body(answer, asked.limit, over_range=bool(asked.step_ms), entry=_encoded))


def _encoded(series: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(series))
