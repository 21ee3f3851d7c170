"""Long work on the event loop, a piece at a time: between two pieces everything else that waits is done."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, NamedTuple, TypeVar

from shared import clock
from shared.rules.steps import Steps

T = TypeVar("T")

PIECE_SECONDS = 0.001
# How much longer a rest is than the piece before it.
RESTS = 4.0
RESTS_IN_THREAD = 2.0
# Evaluations that are so far behind rest as little as they may.
HASTY_SECONDS = 30.0
LEAST_EASE = 0.25
# Rests are no longer by more than that for a loop that is busy: some time has to be left.
MOST_LATE_SECONDS = 0.005


class Breaths:
    """For whoever does much in a row: lets others run once that has taken as long as a piece may."""

    def __init__(self) -> None:
        self._since = clock.elapsed()

    async def take(self) -> None:
        """To be called often."""
        if clock.elapsed() - self._since > PIECE_SECONDS:
            await asyncio.sleep(0)
            self._since = clock.elapsed()


class Done(NamedTuple, Generic[T]):
    """What came of some steps, and what they cost of a processor: all of them, and the longest."""

    result: T
    seconds: float
    longest_seconds: float


class Turns:
    """Shared by all who evaluate on one loop: one piece after another, whoever it is of, and a rest after each, so that
    messages that come meanwhile are not held up; a longer one when the loop is busy. Who falls behind rests less."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._late = 0.0
        """By how much the last rest was longer than it was to be."""

    async def take(self, steps: Steps[T], behind_seconds: float) -> Done[T]:
        """Do the steps here, of which some should have been done so long ago. A step that takes longer than a piece may
        is a piece of its own."""
        meter = _Meter(steps)
        ease = _ease(behind_seconds)
        while True:
            async with self._turn:
                before = meter.seconds
                if meter.go_on(PIECE_SECONDS):
                    return meter.done()
                await self._rest((meter.seconds - before) * RESTS * ease + min(self._late, MOST_LATE_SECONDS))

    async def _rest(self, seconds: float) -> None:
        began = clock.elapsed()
        await asyncio.sleep(seconds)
        self._late = max(clock.elapsed() - began - seconds, 0.0)

    async def urgent(self, steps: Steps[T]) -> Done[T]:
        """Do the steps here before what others have to do."""
        meter = _Meter(steps)
        while not meter.go_on(PIECE_SECONDS):  # noqa: ASYNC110  (others run meanwhile, nothing is waited for)
            await asyncio.sleep(0)
        return meter.done()


def in_thread(steps: Steps[T], behind_seconds: float) -> Done[T]:
    """Do the steps in a thread, with rests, too: the loop would have to share the interpreter with it all the time."""
    meter, ease = _Meter(steps), _ease(behind_seconds)
    before = 0.0
    while not meter.go_on(PIECE_SECONDS):
        time.sleep((meter.seconds - before) * RESTS_IN_THREAD * ease)
        before = meter.seconds
    return meter.done()


def _ease(behind_seconds: float) -> float:
    return max(1 - behind_seconds / HASTY_SECONDS, LEAST_EASE)


class TakingUp:
    """Who takes up a partition from its snapshot has the interpreter to itself: others wait for it to be over."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Inside it one more is at it."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def over(self) -> None:
        """Wait until nobody is."""
        await self._none.wait()


class _Meter(Generic[T]):
    """Does steps, and knows what they cost. What others did meanwhile in other threads does not count."""

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self._result: list[T] = []
        self.seconds = self._longest = 0.0

    def go_on(self, seconds: float) -> bool:
        """Steps for so long; whether all are done."""
        began = before = time.thread_time()
        try:
            while before - began < seconds:
                next(self._steps)
                before = self._note(before)
        except StopIteration as done:
            self._note(before)
            self._result.append(done.value)
        return bool(self._result)

    def done(self) -> Done[T]:
        return Done(self._result[0], self.seconds, self._longest)

    def _note(self, before: float) -> float:
        now = time.thread_time()
        self.seconds += now - before
        self._longest = max(self._longest, now - before)
        return now
