"""Sending what must not be left out: again and again while the bus is away."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from shared.bus import BusUnavailable

log = structlog.get_logger()

T = TypeVar("T")


async def until_sent(send: Callable[[], Awaitable[T]]) -> T:
    """What `send` answers, once the bus took it."""
    while True:
        try:
            return await send()
        except BusUnavailable as error:
            log.warning("alerting waits for the bus", reason=str(error))
