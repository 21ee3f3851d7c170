"""The router: takes `pantau.samples` to the logs of the rule groups that they concern, and tells these the time.

One task does everything in order: a sample is routed by the rules known at that moment; a rule that becomes known
later is told to its group, and what it missed since it was accepted is routed right after; a marker says only what
has been routed and acknowledged.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import structlog
from aiokafka.errors import KafkaError

from services.alerting import metrics
from services.alerting.broker_clock import BrokerClock
from services.alerting.core.inputs import Marker, Progress, RuleChange, dump
from services.alerting.core.routing import Routes, is_sign_of_life, partition_of
from services.alerting.filling import Fill, Filler, split_record, to_group
from services.alerting.places import Places, read_stretch
from services.alerting.rules_view import RulesView
from services.alerting.sending import until_sent
from services.alerting.taken import Taken
from shared import clock
from shared.bus import Outgoing, Producer, Received
from shared.bus.received import Reader
from shared.messages.samples import SampleBatch
from shared.messages.topics import ALERTING_INPUTS, ALERTING_ROUTING, SAMPLES, Opaque, Topic
from shared.promql.matching import Selector

log = structlog.get_logger()

MOST_WAITING = 2_000
MOST_AT_ONCE = 200
MARKER_SPACING_MS = 1_000
# Windows take what was accepted within the lookback, and a little more for samples that were on their way.
FILL_SLACK_MS = 60_000

T = TypeVar("T")


@dataclass
class Owned:
    """One partition of `pantau.samples` that this router reads."""

    position: int
    """Everything below has been routed."""
    filled_revision: int
    """Groups up to this revision have been told, and filled from here."""
    watermark_ms: int = 0
    last_sign_ms: int = 0
    behind: int = 0
    """Messages not yet routed, as of the last look."""


class Router:
    """Routes what it is given by `put`, once `run` runs."""

    def __init__(self, bootstrap: str, group: str, producer: Producer, lookback_ms: int, marker_seconds: float) -> None:
        self._bootstrap, self._producer = bootstrap, producer
        self._lookback_ms, self._marker_seconds = lookback_ms, marker_seconds
        self._reader = Reader("alerting", producer)
        self._places = Places(bootstrap, group)
        self._broker_clock = BrokerClock()
        self._routes = Routes()
        self._filler = Filler(bootstrap, producer, self._routes, self._wake)
        self._awake = asyncio.Event()
        self._waiting: asyncio.Queue[Taken] = asyncio.Queue(MOST_WAITING)
        self._assigned: set[int] = set()
        self._owned: dict[int, Owned] = {}
        self._filled_before: dict[int, int] = {}
        self._routed: dict[str, frozenset[Selector]] = {}
        self._known = -1
        """Revision of the rules that samples are routed by."""
        self._marked_at = 0.0
        self._marked_ms: dict[int, int] = {}
        self._inputs = self._samples = 0
        self.rules = RulesView(self._wake)

    async def put(self, taken: Taken) -> None:
        """Hand over a message of `pantau.samples`; waits while too many wait."""
        await self._waiting.put(taken)
        self._wake()

    def assign(self, partitions: set[int]) -> None:
        """These partitions, and no others, are ours from now on."""
        self._assigned = set(partitions)
        self._wake()

    def note_filled(self, message: Received) -> None:
        """Take in a message of `pantau.alerting.routing`."""
        if message.message is not None and message.key.isdigit():
            with suppress(msgspec.DecodeError):  # what can't be read is filled again
                self._filled_before[int(message.key)] = msgspec.msgpack.decode(message.message.encode(), type=int)

    def lag(self) -> dict[str, int]:
        """Messages not yet routed, by `topic/partition`."""
        return {f"{SAMPLES.name}/{one}": place.behind for one, place in self._owned.items()}

    async def run(self) -> None:
        """Route until cancelled. The rules, and what has been filled, must be known before."""
        self._inputs, self._samples = await self._count(ALERTING_INPUTS), await self._count(SAMPLES)
        self._filler.into(self._inputs)
        filling = asyncio.create_task(self._filler.run(), name="filling")
        try:
            while True:
                await self._until_awake()
                if filling.done():
                    filling.result()
                await self._take_over()
                await self._learn()
                await self._route([self._waiting.get_nowait() for _ in range(min(self._waiting.qsize(), MOST_AT_ONCE))])
                settled = await self._settle()
                await self._mark(settled)
                if not self._waiting.empty():
                    self._wake()
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)
            await self._places.stop()

    def _wake(self) -> None:
        self._awake.set()

    async def _until_awake(self) -> None:
        """Something to do, or time for a marker."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(self._marked_at + self._marker_seconds - clock.elapsed(), 0.0)):
                await self._awake.wait()
        self._awake.clear()

    async def _take_over(self) -> None:
        """Begin with partitions that became ours, end with those that are not any more."""
        for gone in self._owned.keys() - self._assigned:
            del self._owned[gone]
            self._filler.give_up(gone)
        for partition in sorted(self._assigned - self._owned.keys()):
            position = await _answer(lambda one=partition: self._places.committed(SAMPLES, one))  # type: ignore[misc]
            owned = Owned(position, self._filled_before.get(partition, -1))
            self._owned[partition] = owned
            known = [one for one in self.rules.since(owned.filled_revision) if one.revision <= self._known]
            await self._catch_up(known, partition, owned)

    async def _learn(self) -> None:
        """Route by the rules that have become known, and tell their groups."""
        changes = self.rules.since(self._known)
        if not changes:
            return
        wider = []
        for change in changes:
            selectors = self.rules.selectors[change.group]
            if not selectors <= self._routed.get(change.group, frozenset()):
                wider.append(change)
            self._routes.put(change.group, selectors)
            self._routed[change.group] = selectors
        await self._send([self._to_group(change) for change in changes])
        for partition, owned in self._owned.items():
            missed = [change for change in wider if change.revision > owned.filled_revision]
            await self._catch_up(missed, partition, owned)
        self._known = changes[-1].revision

    def _to_group(self, change: RuleChange) -> Outgoing:
        partition = partition_of(change.group, self._inputs)
        return Outgoing(ALERTING_INPUTS, change.group, Opaque(dump(change)), partition=partition)

    async def _catch_up(self, changes: list[RuleChange], partition: int, owned: Owned) -> None:
        """Route to groups what they missed: what was accepted after their rules now, the rest beside the routing."""
        accepted = {change.group: change.accepted_ms for change in changes if self._routed.get(change.group)}
        if not accepted:
            return
        reach_ms = self._lookback_ms + FILL_SLACK_MS
        since = max(min(accepted.values()), self._broker_clock.now_ms() - reach_ms)
        live = min(await _answer(lambda: self._places.since(SAMPLES, partition, since)), owned.position)
        if live < owned.position:
            async for records in read_stretch(self._bootstrap, SAMPLES, partition, live, owned.position):
                parts = [part for record in records for part in split_record(self._routes, record, frozenset(accepted))]
                await self._send(
                    [
                        to_group(
                            msgspec.structs.replace(part, fill=part.accepted_ms < accepted[part.group]), self._inputs
                        )
                        for part in parts
                    ]
                )
        start = await _answer(lambda: self._places.since(SAMPLES, partition, since - reach_ms))
        if start < live:
            for change in changes:
                if change.group in accepted:
                    self._filler.want(Fill(change.group, change.revision, partition, start, live))

    async def _route(self, batch: list[Taken]) -> None:
        """Send on what a batch of messages holds for any group; acknowledge them when that is durable."""
        outgoing: list[Outgoing] = []
        signs: dict[int, int] = {}
        for taken in batch:
            metrics.ROUTED.inc()
            for received in await until_sent(lambda one=taken: self._reader.read([one.record])):  # type: ignore[misc]
                samples: SampleBatch = received.message
                if is_sign_of_life(samples.source):
                    signs[received.partition] = received.accepted_ms
                parts = self._routes.split(samples, received.partition, received.offset, received.accepted_ms)
                outgoing += [to_group(part, self._inputs) for part in parts]
        await self._send(outgoing)
        for taken in batch:
            record, owned = taken.record, self._owned.get(taken.record.partition)
            if owned is not None:
                owned.position = max(owned.position, record.offset + 1)
                # Others may have been accepted in the same millisecond.
                owned.watermark_ms = max(owned.watermark_ms, record.timestamp - 1)
            taken.done()
        for partition, sign_ms in signs.items():
            if (owned := self._owned.get(partition)) is not None:
                owned.last_sign_ms = max(owned.last_sign_ms, sign_ms)

    async def _settle(self) -> bool:
        """Note how far the partitions are filled; whether one has come further."""
        further = False
        for partition, owned in self._owned.items():
            oldest = self._filler.oldest_open(partition)
            revision = self._known if oldest is None else min(self._known, oldest - 1)
            if revision > owned.filled_revision:
                owned.filled_revision = self._filled_before[partition] = revision
                payload = Opaque(msgspec.msgpack.encode(revision))
                await self._send([Outgoing(ALERTING_ROUTING, str(partition), payload)])
                further = True
        return further

    async def _mark(self, now: bool) -> None:
        """Tell all groups how far the samples have come, when it is time."""
        due = clock.elapsed() >= self._marked_at + self._marker_seconds
        if due:
            await self._look_for_the_end()
        moved = any(
            owned.watermark_ms >= self._marked_ms.get(one, 0) + MARKER_SPACING_MS for one, owned in self._owned.items()
        )
        if not self._owned or not (now or due or moved):
            return
        progress = [
            Progress(partition, owned.watermark_ms, owned.last_sign_ms, owned.filled_revision)
            for partition, owned in sorted(self._owned.items())
        ]
        payload = Opaque(dump(Marker(self._samples, progress)))
        await self._send([Outgoing(ALERTING_INPUTS, "", payload, partition=one) for one in range(self._inputs)])
        self._marked_ms = {one: owned.watermark_ms for one, owned in self._owned.items()}
        self._marked_at = clock.elapsed()
        now_ms = self._broker_clock.now_ms()
        for one, owned in self._owned.items():
            metrics.LAG.labels(str(one)).set(max(now_ms - owned.watermark_ms, 0) / 1000)

    async def _look_for_the_end(self) -> None:
        """Where nothing is pending, everything accepted up to now has been routed: the broker's now, before asking."""
        self._marked_at = clock.elapsed()
        now_ms = self._broker_clock.now_ms()
        try:
            ends = await self._places.ends(SAMPLES, self._owned)
        except (KafkaError, TimeoutError) as error:
            log.info("time stands still, the bus does not answer", reason=str(error) or type(error).__name__)
            await self._places.stop()
            return
        for partition, owned in self._owned.items():
            owned.behind = max(ends[partition] - owned.position, 0)
            if not owned.behind:
                owned.watermark_ms = max(owned.watermark_ms, now_ms)

    async def _send(self, messages: list[Outgoing]) -> None:
        if messages:
            acknowledged = await until_sent(lambda: self._producer.send_all(messages))
            self._broker_clock.heard(acknowledged[-1].accepted_ms)

    async def _count(self, topic: Topic) -> int:
        while not (numbers := await self._producer.partitions_of(topic)):
            log.info("topic is not there yet: it is made by `./pantau migrate`", topic=topic.name)
            await asyncio.sleep(1)
        return len(numbers)


async def _answer(ask: Callable[[], Awaitable[T]]) -> T:
    """What the broker answers, asked again while it is away."""
    while True:
        try:
            return await ask()
        except (KafkaError, TimeoutError) as error:
            log.info("bus does not answer, asked again", reason=str(error) or type(error).__name__)
            await asyncio.sleep(0.5)
