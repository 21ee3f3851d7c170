"""Deadlines that hold, also for work that resists being cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Hanging(Exception):
    """Earlier work of this name is past its deadline and has not ended yet."""


class OneAtATime:
    """Runs one kind of work, never twice at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[Any] | None = None

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]], deadline_seconds: float) -> T:
        """What `work` returns or raises. TimeoutError after the deadline, however the work takes its cancellation;
        Hanging while earlier work still hasn't ended."""
        if self._task is not None and not self._task.done():
            raise Hanging(f"{self._name}: earlier work has not ended")
        task = asyncio.create_task(work())
        self._task = task
        try:
            await asyncio.wait({task}, timeout=deadline_seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done():
            task.cancel()
            task.add_done_callback(_forget)
            raise TimeoutError(f"{self._name}: deadline of {deadline_seconds:g} s exceeded")
        if task.cancelled():  # by something inside it; a plain result() would look as if we were to stop
            raise RuntimeError(f"{self._name}: cancelled from within")
        return task.result()


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # read, so that asyncio doesn't report it: the deadline has been reported already
