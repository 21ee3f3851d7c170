"""Which tasks a piece of a test begins, and that none of them is left: those of others on the same loop don't count."""

import asyncio
import contextvars
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from tests.conftest import eventually

_begun: contextvars.ContextVar[set[asyncio.Task[Any]] | None] = contextvars.ContextVar("begun", default=None)


@contextmanager
def begun_tasks() -> Iterator[set[asyncio.Task[Any]]]:
    """All tasks that are begun inside it, directly or by others that were."""
    loop, tasks = asyncio.get_running_loop(), set[asyncio.Task[Any]]()

    def begin(of: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **more: Any) -> "asyncio.Task[Any]":
        task = asyncio.Task(coroutine, loop=of, **more)
        mine = _begun.get()  # inherited by tasks and callbacks alike
        if mine is not None:
            mine.add(task)
        return task

    token, before = _begun.set(tasks), loop.get_task_factory()
    loop.set_task_factory(begin)  # type: ignore[arg-type]  # it may be told more, by later Pythons
    try:
        yield tasks
    finally:
        loop.set_task_factory(before)
        _begun.reset(token)


async def none_is_left(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait until all of these are over; AssertionError that names those that stay."""

    async def over() -> bool:
        return all(task.done() for task in tasks)

    try:
        await eventually(over)
    except AssertionError as error:
        left = [repr(task) for task in tasks if not task.done()]
        raise AssertionError("still running:\n" + "\n".join(left)) from error
