"""Calls that block, and may hang for ever, beside the event loop.

A call into the kernel that hangs (a network file system whose server is gone) can't be ended. It is left alone in a
daemon thread, which doesn't keep the process from exiting, and no second call is made under its name while it hangs.
So the number of threads is bounded by the number of names.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from shared.deadlines import Hanging

T = TypeVar("T")


class BlockingCalls:
    """Runs blocking calls, at most one of a name at a time."""

    def __init__(self) -> None:
        self._running: set[str] = set()

    @property
    def running(self) -> frozenset[str]:
        """The names of the calls that have not returned."""
        return frozenset(self._running)

    async def call(self, name: str, function: Callable[[], T], deadline_seconds: float) -> T:
        """What `function` returns or raises. TimeoutError after the deadline; Hanging while an earlier call hangs."""
        if name in self._running:
            raise Hanging(f"{name}: an earlier call has not returned")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        self._running.add(name)

        def settle(result: T | None, error: BaseException | None) -> None:
            self._running.discard(name)
            if outcome.done():  # nobody waits any more
                return
            if error is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(result)  # type: ignore[arg-type]  # without an error it is a T

        def work() -> None:
            result, error = None, None
            try:
                result = function()
            except BaseException as caught:  # noqa: BLE001  # handed to whoever waits
                error = caught
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, result, error)

        threading.Thread(target=work, name=f"blocking {name}", daemon=True).start()
        async with asyncio.timeout(deadline_seconds):
            return await outcome
