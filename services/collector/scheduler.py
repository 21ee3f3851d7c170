"""Reads every source at its pace, side by side: none waits for another, none is read twice at once."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import structlog

from services.collector.core.batches import sound
from services.collector.core.schedule import Pace
from services.collector.source import Reading, Source
from shared import clock
from shared.deadlines import Hanging, OneAtATime
from shared.messages.samples import Sample
from shared.metrics import Metric

log = structlog.get_logger()

UP = Metric("pantau_source_up", "gauge", "", "1 if the source's last reading succeeded, else 0", ("host", "source"))
DURATION = Metric(
    "pantau_source_duration_seconds", "gauge", "seconds", "How long the source's last reading took", ("host", "source")
)
ERRORS = Metric(
    "pantau_source_errors_total",
    "counter",
    "",
    "What went wrong in readings of the source, by reason",
    ("host", "source", "reason"),
)
METRICS = (UP, DURATION, ERRORS)

# Counted from zero, as the source's own are.
KNOWN_REASONS = ("deadline", "hanging", "error", "missed")

Publish = Callable[[Source, list[Sample]], None]
"""Told after each reading: its samples and those about the reading itself, all for one batch."""


class Reader:
    """Reads one source for ever."""

    def __init__(
        self, source: Source, publish: Publish, longest_pause_seconds: float, first_after_seconds: float = 0.0
    ) -> None:
        self._source, self._publish, self._longest_pause = source, publish, longest_pause_seconds
        self._first_after = first_after_seconds
        self._turn = OneAtATime(f"source {source.name}")
        self._errors: Counter[str] = Counter(dict.fromkeys((*KNOWN_REASONS, *source.reasons), 0))
        self._failures = 0
        self._known: frozenset[str] = frozenset()

    async def run(self) -> None:
        """The first reading in its turn, the next ones on the grid that begins there; after failures with back-off."""
        due = clock.elapsed() + self._first_after
        pace = Pace(due, self._source.interval_seconds, self._longest_pause)
        while True:
            await asyncio.sleep(max(0.0, due - clock.elapsed()))
            await self.read_once()
            now = clock.elapsed()
            if self._failures:
                # Nobody can guess or gain anything from it: it only spreads the attempts.
                due = pace.after_failures(self._failures, now, random.random())  # noqa: S311
            else:
                due, missed = pace.after_success(due, now)
                self._errors["missed"] += missed

    async def read_once(self) -> None:
        """One reading, published with its `up`, duration and errors. Never raises what the source raised."""
        now_ms, began = clock.now_ms(), clock.elapsed()
        reading, failure = await self._attempt(now_ms)
        samples, refused = sound(reading.samples, self._known)
        self._known = frozenset(sample.series for sample in samples)
        self._errors.update(refused)
        self._errors.update(reading.problems)
        self._publish(self._source, [*samples, *self._about(now_ms, clock.elapsed() - began, failure is None)])

    async def _attempt(self, now_ms: int) -> tuple[Reading, str | None]:
        source = self._source
        try:
            reading = await self._turn.run(lambda: source.read(now_ms), source.deadline_seconds)
        except TimeoutError as error:
            return self._failed("deadline", error)
        except Hanging as error:
            return self._failed("hanging", error)
        except Exception as error:  # noqa: BLE001  # whatever a source raises is its failure, not ours
            return self._failed("error", error)
        if reading.failure:
            self._failed(reading.failure, None)
            return reading, reading.failure
        if self._failures:
            log.info("source answers again", source=source.name)
        self._failures = 0
        return reading, None

    def _failed(self, reason: str, error: Exception | None) -> tuple[Reading, str]:
        if not self._failures:  # once, not at every attempt
            told = {} if error is None else {"error": repr(error)}
            log.warning("source can't be read", source=self._source.name, reason=reason, **told)
        self._failures += 1
        self._errors[reason] += 1
        return Reading([]), reason

    def _about(self, now_ms: int, seconds: float, up: bool) -> list[Sample]:
        labels = {"host": self._source.host, "source": self._source.name}
        return [
            UP.sample(now_ms, up, **labels),
            DURATION.sample(now_ms, seconds, **labels),
            *(ERRORS.sample(now_ms, count, reason=reason, **labels) for reason, count in sorted(self._errors.items())),
        ]
