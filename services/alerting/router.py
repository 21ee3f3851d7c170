"""The router: takes `pantau.samples` to the logs of the rule groups that they concern, and tells these the time.

One task does everything in order: a sample is routed by the rules known at that moment; a rule that becomes known
later is told to its group, and what it missed since it was accepted is routed right after; a marker says only what
has been routed and acknowledged.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import numpy as np
import structlog
from aiokafka.errors import KafkaError

from services.alerting import metrics
from services.alerting.core.clocks import Clocks
from services.alerting.core.inputs import STATE_FORMAT, Marker, Progress, RuleChange, Samples, Sign, dump
from services.alerting.core.routing import Routes, is_sign_of_life, partition_of
from services.alerting.core.signs import Signs
from services.alerting.core.terms import Terms
from services.alerting.filling import Fill, Filler, split_record
from services.alerting.history_filling import HISTORY, HistoryFiller
from services.alerting.left_out import whole
from services.alerting.places import Places, read_stretch
from services.alerting.rules_view import Rules, RulesView
from services.alerting.sending import to_log, until_sent
from services.alerting.taken import Taken
from services.alerting.turns import Breaths
from shared import clock
from shared.bus import Outgoing, Producer, Received
from shared.bus.broker_clock import BrokerClock
from shared.bus.received import Reader
from shared.messages.message import BadMessage
from shared.messages.samples import PackedBatch
from shared.messages.topics import ALERTING_INPUTS, ALERTING_ROUTING, SAMPLES, Opaque, Topic

log = structlog.get_logger()

MOST_WAITING = 400
MOST_AT_ONCE = 200
MARKER_SPACING_MS = 1_000
# Groups that read each other wait for markers: those come sooner then, but not more often than this.
CHAINED_SECONDS = 0.1
# Windows take a little more than rules look back, for samples that were on their way.
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
    signs: Signs = field(default_factory=Signs)
    """Of collectors, since the last marker."""
    untold: list[Callable[[], None]] = field(default_factory=list)
    """Acknowledge what has been routed since the last marker: only that tells of its signs, and how far groups came."""
    behind: int = 0
    """Messages not yet routed, as of the last look."""


class Router:
    """Routes what it is given by `put`, once `run` runs."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        producer: Producer,
        terms: Terms,
        marker_seconds: float,
        history: HistoryFiller,
    ) -> None:
        self._bootstrap, self._producer = bootstrap, producer
        self._marker_seconds = marker_seconds
        self._reader = Reader("alerting", producer)
        self._places = Places(bootstrap, group)
        self._broker_clock = BrokerClock()
        self._clocks = Clocks(terms.clock_tolerance_ms)
        self._filler = Filler(bootstrap, producer, self._wake)
        self._history = history
        self._awake = asyncio.Event()
        self._waiting: asyncio.Queue[Taken] = asyncio.Queue(MOST_WAITING)
        self._assigned: set[int] = set()
        self._owned: dict[int, Owned] = {}
        self._filled_before: dict[int, int] = {}
        self._rules = Rules(-1, {}, {})
        """What samples are routed by."""
        self._learning: asyncio.Task[Rules] | None = None
        self._evaluated: dict[str, int] = {}
        """How far groups that are read by others have come, since the last marker."""
        self._marked_at = 0.0
        self._told_at = 0.0
        self._marked_ms: dict[int, int] = {}
        self._routes = Routes(1)
        self._inputs = self._samples = 0
        self.rules = RulesView(terms.lookback_ms, self._wake)

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
        if message.message is None:
            return
        state_format, _, what = message.key.partition("/")
        if state_format != str(STATE_FORMAT):
            return  # filled for folds that are no more
        with suppress(msgspec.DecodeError):  # what can't be read is filled again
            revision = msgspec.msgpack.decode(message.message.encode(), type=int)
            if what.isdigit():
                self._filled_before[int(what)] = revision
            elif what.startswith(HISTORY):
                self._history.note(what.removeprefix(HISTORY), revision)

    def lag(self) -> dict[str, int]:
        """Messages not yet routed, by `topic/partition`."""
        return {f"{SAMPLES.name}/{one}": place.behind for one, place in self._owned.items()}

    async def learn_topics(self) -> None:
        """Learn how many partitions there are; waits until there are some."""
        self._inputs, self._samples = await self._count(ALERTING_INPUTS), await self._count(SAMPLES)
        self._routes = Routes(self._inputs)
        self._filler.by(self._routes)

    async def run(self, rules_up_to_now: Callable[[], Awaitable[None]]) -> None:
        """Route until cancelled. Topics and what has been filled must be known before; `rules_up_to_now` waits until
        `rules` has all that is on the bus."""
        beside = [
            asyncio.create_task(self._filler.run(), name="filling"),
            asyncio.create_task(self._history.run(self._inputs), name="filling from history"),
        ]
        try:
            while True:
                await self._until_awake()
                for task in beside:
                    if task.done():
                        task.result()
                await self._take_over(rules_up_to_now)
                await self._learn()
                await self._route([self._waiting.get_nowait() for _ in range(min(self._waiting.qsize(), MOST_AT_ONCE))])
                settled = await self._settle()
                await self._mark(settled)
                if not self._waiting.empty():
                    self._wake()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self._places.stop()

    def _wake(self) -> None:
        self._awake.set()

    async def _until_awake(self) -> None:
        """Something to do, or time for a marker."""
        seconds = CHAINED_SECONDS if self._evaluated else self._marker_seconds
        since = self._told_at if self._evaluated else self._marked_at
        with suppress(TimeoutError):
            async with asyncio.timeout(max(since + seconds - clock.elapsed(), 0.0)):
                await self._awake.wait()
        self._awake.clear()

    async def _take_over(self, rules_up_to_now: Callable[[], Awaitable[None]]) -> None:
        """Begin with partitions that became ours, end with those that are not any more."""
        if self._assigned - self._owned.keys():
            # Who had them may have known newer rules than we do, and has told that their groups are filled: routed by
            # older ones, what was accepted meanwhile would pass these groups by.
            await rules_up_to_now()
            while self.rules.revision > self._rules.revision:
                await self._learn(at_once=True)
        for gone in self._owned.keys() - self._assigned:
            del self._owned[gone]
            self._filler.give_up(gone)
        for partition in sorted(self._assigned - self._owned.keys()):
            position = await _answer(lambda one=partition: self._places.committed(SAMPLES, one))  # type: ignore[misc]
            owned = Owned(position, self._filled_before.get(partition, -1))
            self._owned[partition] = owned
            missed = [one for one in self._rules.changes.values() if one.revision > owned.filled_revision]
            await self._catch_up(missed, partition, owned)
        self._history.active = 0 in self._owned

    async def _learn(self, *, at_once: bool = False) -> None:
        """Route by the rules that have become known, and tell their groups."""
        if self._learning is None and self.rules.revision > self._rules.revision:
            self._learning = asyncio.create_task(asyncio.to_thread(self.rules.work_out()))
            self._learning.add_done_callback(lambda _: self._wake())
        if self._learning is None:
            return
        # Samples go on being routed by the former rules meanwhile, for the new ones catch up; but not by none at all.
        if self._rules.revision >= 0 and not self._learning.done() and not at_once:
            return
        rules, self._learning = await self._learning, None
        await self._act_on(rules)

    async def _act_on(self, rules: Rules) -> None:
        before, told, wider = self._rules, list[RuleChange](), list[RuleChange]()
        newest_ms = max((change.accepted_ms for change in rules.changes.values()), default=0)
        for name, change in rules.changes.items():
            known, had, reaches = before.changes.get(name), before.reaches.get(name, {}), rules.reaches[name]
            if known is None or not _says_the_same(known, change):
                told.append(change)
            if any(reach > had.get(selector, -1) for selector, reach in reaches.items()):
                # What was refused for a cycle is filled as if its rules had come with those that end the cycle.
                opened = known is not None and bool(known.cycle)
                as_new = msgspec.structs.replace(change, revision=rules.revision, accepted_ms=newest_ms)
                wider.append(as_new if opened else change)
            if reaches != had:
                self._routes.put(name, reaches)
        await self._send([self._to_group(change) for change in told])
        self._rules = rules
        for partition, owned in self._owned.items():
            missed = [change for change in wider if change.revision > owned.filled_revision]
            await self._catch_up(missed, partition, owned)
        for change in rules.changes.values():
            if change.from_history:
                self._history.want(change, rules.reaches[change.group])

    def _to_group(self, change: RuleChange) -> Outgoing:
        partition = partition_of(change.group, self._inputs)
        return Outgoing(ALERTING_INPUTS, change.group, Opaque(dump(change)), partition=partition)

    async def _catch_up(self, changes: list[RuleChange], partition: int, owned: Owned) -> None:
        """Route to groups what they missed: what was accepted after their rules now, the rest beside the routing."""
        changes = [change for change in changes if self._rules.reaches.get(change.group)]
        if not changes:
            return
        reach_ms = {change.group: max(self._rules.reaches[change.group].values()) + FILL_SLACK_MS for change in changes}
        accepted = {change.group: change.accepted_ms for change in changes}
        since = max(min(accepted.values()), self._broker_clock.now_ms() - max(reach_ms.values()))
        live = min(await _answer(lambda: self._places.since(SAMPLES, partition, since)), owned.position)
        if live < owned.position:
            async for records in read_stretch(self._bootstrap, SAMPLES, partition, live, owned.position):
                outgoing = []
                for record in records:
                    fresh = frozenset(group for group, at in accepted.items() if record.timestamp >= at)
                    for groups, fill in ((fresh, False), (accepted.keys() - fresh, True)):
                        outgoing += split_record(self._routes, record, frozenset(groups), fill=fill) if groups else []
                await self._send(to_log(outgoing))
        starts: dict[int, int] = {}
        for change in changes:
            back = reach_ms[change.group]
            if back not in starts:
                begin = since - back
                starts[back] = await _answer(lambda at=begin: self._places.since(SAMPLES, partition, at))  # type: ignore[misc]
            if starts[back] < live:
                self._filler.want(Fill(change.group, change.revision, partition, starts[back], live))

    async def _route(self, batch: list[Taken]) -> None:
        """Send on what a batch of messages holds for any group; they are acknowledged with the next marker."""
        if not batch:
            return
        # A marker must not pass by what the stream has left out.
        routed = {partition: owned.position for partition, owned in self._owned.items()}
        batch = await whole(self._bootstrap, SAMPLES, batch, routed)
        outgoing: list[tuple[int, Samples]] = []
        breaths = Breaths()
        for taken in batch:
            metrics.ROUTED.inc()
            record = taken.record
            try:
                packed = PackedBatch.decode(record.value or b"")
                parts = self._routes.split(packed, record.partition, record.offset, record.timestamp)
            except BadMessage as error:
                await until_sent(lambda one=record, why=error: self._reader.put_aside(one, why))  # type: ignore[misc]
                continue
            outgoing += parts
            await breaths.take()
            self._note(packed, record.partition, record.timestamp)
        await self._send(to_log(outgoing))
        for taken in batch:
            record, owned = taken.record, self._owned.get(taken.record.partition)
            if owned is not None:
                owned.position = max(owned.position, record.offset + 1)
                # Others may have been accepted in the same millisecond.
                owned.watermark_ms = max(owned.watermark_ms, record.timestamp - 1)
                owned.untold.append(taken.done)
            else:
                taken.done()

    def _note(self, batch: PackedBatch, partition: int, accepted_ms: int) -> None:
        """What a batch says beside its samples."""
        if batch.group is not None and batch.evaluated is not None:
            self._evaluated[batch.group] = max(batch.evaluated, self._evaluated.get(batch.group, 0))
        if not len(batch):
            return
        newest_ms = int(np.frombuffer(batch.times, "<i8").max())
        turned = self._clocks.note(batch.source, newest_ms, accepted_ms)
        if turned is not None:
            metrics.AHEAD.set(len(self._clocks.ahead))
            say = log.warning if turned else log.info
            words = "the clock of a source is ahead" if turned else "the clock of a source is right again"
            say(words, source=batch.source, seconds=(newest_ms - accepted_ms) / 1000)
        owned = self._owned.get(partition)
        if owned is not None and is_sign_of_life(batch.source):
            owned.signs.note(Sign(batch.source, accepted_ms, newest_ms))

    async def _settle(self) -> bool:
        """Note how far the partitions are filled; whether one has come further."""
        further = False
        for partition, owned in self._owned.items():
            oldest = self._filler.oldest_open(partition)
            known = self._rules.revision
            revision = known if oldest is None else min(known, oldest - 1)
            if revision > owned.filled_revision:
                owned.filled_revision = self._filled_before[partition] = revision
                payload = Opaque(msgspec.msgpack.encode(revision))
                await self._send([Outgoing(ALERTING_ROUTING, f"{STATE_FORMAT}/{partition}", payload)])
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
        chained = bool(self._evaluated) and clock.elapsed() >= self._told_at + CHAINED_SECONDS
        if not self._owned or not (now or due or moved or chained):
            return
        progress = [
            Progress(partition, owned.watermark_ms, owned.filled_revision, owned.signs.take())
            for partition, owned in sorted(self._owned.items())
        ]
        payload = Opaque(dump(Marker(self._samples, progress, dict(self._evaluated))))
        await self._send([Outgoing(ALERTING_INPUTS, "", payload, partition=one) for one in range(self._inputs)])
        self._evaluated.clear()
        for owned in self._owned.values():
            for done in owned.untold:
                done()
            owned.untold.clear()
        self._marked_ms = {one: owned.watermark_ms for one, owned in self._owned.items()}
        self._told_at = clock.elapsed()
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
            log.warning("topic is not there yet: it is made by `./pantau migrate`", topic=topic.name)
            await asyncio.sleep(1)
        return len(numbers)


def _says_the_same(one: RuleChange, other: RuleChange) -> bool:
    """But for the revision as of which it was worked out."""
    return msgspec.structs.replace(one, wired=0) == msgspec.structs.replace(other, wired=0)


async def _answer(ask: Callable[[], Awaitable[T]]) -> T:
    """What the broker answers, asked again while it is away."""
    while True:
        try:
            return await ask()
        except (KafkaError, TimeoutError) as error:
            log.info("bus does not answer, asked again", reason=str(error) or type(error).__name__)
            await asyncio.sleep(0.5)
