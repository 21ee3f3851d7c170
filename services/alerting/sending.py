"""Sending what must not be left out: again and again while the bus is away. And how samples are put into messages."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import structlog

from services.alerting.core.inputs import Samples, Several, dump
from shared.bus import BusUnavailable, Outgoing
from shared.messages.topics import ALERTING_INPUTS, Opaque

log = structlog.get_logger()

T = TypeVar("T")

# A message is full when it holds that much.
FULL_BYTES = 256 * 1024


async def until_sent(send: Callable[[], Awaitable[T]]) -> T:
    """What `send` answers, once the bus took it."""
    while True:
        try:
            return await send()
        except BusUnavailable as error:
            log.warning("alerting waits for the bus", reason=str(error))


def to_log(parts: Iterable[tuple[int, Samples]]) -> list[Outgoing]:
    """Messages that take samples to the partitions of the log that they are for, in order; those of several batches in
    one, so that a router that is busy sends fewer and larger ones."""
    messages: list[Outgoing] = []
    open_parts: dict[int, list[Samples]] = {}
    sizes: dict[int, int] = {}
    for to, samples in parts:
        size = samples.nbytes
        if open_parts.get(to) and sizes[to] + size > FULL_BYTES:
            messages.append(_message(to, open_parts.pop(to)))
        if to not in open_parts:
            open_parts[to], sizes[to] = [], 0
        open_parts[to].append(samples)
        sizes[to] += size
    return messages + [_message(to, some) for to, some in open_parts.items()]


def _message(partition: int, parts: Sequence[Samples]) -> Outgoing:
    message = parts[0] if len(parts) == 1 else Several(list(parts))
    # Where they come from names them: their bytes need not be hashed.
    names = [f"{one.partition}/{one.offset}/{one.fill:d}" for one in (parts[0], parts[-1])]
    event_id = f"{partition}/{names[0]}-{names[1]}/{len(parts)}"
    return Outgoing(ALERTING_INPUTS, "", Opaque(dump(message)), event_id, partition=partition)
