"""Messages that the stream has left out: what it had read may be dropped when workers come and go."""

from collections.abc import Iterable, Mapping

import structlog

from services.alerting import metrics
from services.alerting.places import read_stretch
from services.alerting.taken import Taken
from shared.messages.topics import Topic

log = structlog.get_logger()


async def whole(bootstrap: str, topic: Topic, messages: Iterable[Taken], expected: Mapping[int, int]) -> list[Taken]:
    """The messages, in order, with those that are missing between them and before the first.

    `expected`: by partition, the offset of the first message. What comes before it is left as it is, and so are
    partitions that are not named.
    """
    following, found = dict(expected), list[Taken]()
    for taken in messages:
        partition, offset = taken.record.partition, taken.record.offset
        start = following.get(partition, offset)
        if offset > start:
            found += await _read(bootstrap, topic, partition, start, offset)
        following[partition] = max(start, offset + 1)
        found.append(taken)
    return found


async def _read(bootstrap: str, topic: Topic, partition: int, start: int, stop: int) -> list[Taken]:
    metrics.LEFT_OUT.labels(topic.name).inc(stop - start)
    log.warning("stream has left out messages", topic=topic.name, partition=partition, start=start, stop=stop)
    stretch = read_stretch(bootstrap, topic, partition, start, stop)
    return [Taken(record, _nothing) async for records in stretch for record in records]


def _nothing() -> None:
    """They have nobody to be acknowledged to."""
