"""The owner of one partition of the group log: folds it, tells what comes of it, and keeps the state in snapshots.

The order of effects makes any crash harmless: events are acknowledged before a snapshot is stored, the snapshot before
the messages that it covers are. What is folded again after a crash gives the same events with the same ids.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol, cast

import structlog

from services.alerting import metrics
from services.alerting.core import inputs, snapshots
from services.alerting.core.fold import Fold
from services.alerting.core.outputs import Failure, Outputs
from services.alerting.core.snapshots import BadSnapshot, Manifest
from services.alerting.core.terms import Terms
from services.alerting.places import Record, read_stretch
from services.alerting.sending import until_sent
from services.alerting.taken import Taken
from shared import clock
from shared.bus import Outgoing, Producer
from shared.bus.received import Reader
from shared.messages.message import BadMessage
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, ALERTING_INPUTS

log = structlog.get_logger()

MOST_WAITING = 2_000
MOST_AT_ONCE = 500
# Messages that wait for the snapshot that covers them, before one is taken ahead of its time.
MOST_HELD = 10_000
LONGEST_SLICE_SECONDS = 0.02


class Store(Protocol):
    """Where the snapshots of a partition are: a key-value table whose writes are durable once awaited."""

    def read(self, partition: int) -> dict[str, bytes]:
        """All that is stored for a partition."""
        ...

    async def write(self, partition: int, entries: dict[str, bytes | None]) -> None:
        """Store (None: delete) in this order, and wait until it is durable."""
        ...


MANIFEST = "manifest"


class Owner:
    """Runs the fold of one partition from its first message on."""

    def __init__(
        self,
        partition: int,
        bootstrap: str,
        terms: Terms,
        snapshot_seconds: float,
        producer: Producer,
        store: Store,
        name: str,
    ) -> None:
        self.partition, self._bootstrap, self._terms = partition, bootstrap, terms
        self._snapshot_seconds, self._producer, self._store, self._name = snapshot_seconds, producer, store, name
        self._reader = Reader("alerting", producer)
        self._waiting: asyncio.Queue[Taken | None] = asyncio.Queue(MOST_WAITING)
        self._running: asyncio.Task[None] | None = None
        self._stopped = False
        self._held: deque[Taken] = deque()
        self._fold = Fold(terms)
        self._next = 0
        self._manifest: Manifest | None = None
        """The last one that this owner wrote."""
        self._stored_next = 0
        self._snapshots = 0
        self._told_errors: set[tuple[str, str, str]] = set()
        self._rules_held: set[Failure] = set()

    async def put(self, taken: Taken) -> None:
        """Hand over a message; waits while too many wait. After `stop` it is left to the next owner."""
        if not self._stopped:
            await self._waiting.put(taken)

    def start(self) -> "asyncio.Task[None]":
        """Begin to fold; the task ends when the owner is stopped, or with an error."""
        self._running = asyncio.create_task(self._run(), name=f"inputs/{self.partition}")
        return self._running

    async def stop(self, seconds: float) -> None:
        """Fold what was handed over, store the state, end. What doesn't fit into the time comes again elsewhere."""
        if self._running is None:
            return
        self._stopped = True
        try:
            async with asyncio.timeout(seconds):
                await self._waiting.put(None)
                await asyncio.shield(self._running)
        except TimeoutError:
            log.info("partition given up without a last snapshot", partition=self.partition)
        finally:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            while not self._waiting.empty():  # lets go of who waits in `put`
                self._waiting.get_nowait()

    async def _run(self) -> None:
        first = await self._waiting.get()
        if first is None:
            return
        await self._restore(first.record.offset)
        pending, due = [first], clock.elapsed() + self._snapshot_seconds
        stopping = False
        while not stopping:
            while len(pending) < MOST_AT_ONCE and not self._waiting.empty() and not stopping:
                stopping = not _add(pending, self._waiting.get_nowait())
            await self._fold_all(pending)
            if stopping or clock.elapsed() >= due or len(self._held) >= MOST_HELD:
                await self._snapshot()
                due = clock.elapsed() + self._snapshot_seconds
            pending = []
            with suppress(TimeoutError):
                async with asyncio.timeout(max(due - clock.elapsed(), 0.0)):
                    stopping = stopping or not _add(pending, await self._waiting.get())
        await self._snapshot()

    async def _snapshot(self) -> None:
        """Store the state, then acknowledge what it covers. Only between messages: never while one is being folded."""
        if self._next > self._stored_next:
            with metrics.SNAPSHOT_SECONDS.time():
                await self._store_state()
        while self._held and self._held[0].record.offset < self._stored_next:
            self._held.popleft().done()

    async def _store_state(self) -> None:
        self._snapshots += 1
        steps = snapshots.taking(self._fold, self._next, self._manifest, f"{self._name}/{self._snapshots}")
        taken: snapshots.Snapshot | None = None
        while taken is None:
            try:
                next(steps)
            except StopIteration as end:
                taken = cast(snapshots.Snapshot, end.value)
            await asyncio.sleep(0)
        for part in _portions(taken.chunks):
            await self._store.write(self.partition, part)
        await self._store.write(self.partition, {MANIFEST: snapshots.encode_manifest(taken.manifest)})
        self._manifest, self._stored_next = taken.manifest, self._next
        metrics.SNAPSHOT_BYTES.labels(str(self.partition)).set(sum(map(len, taken.chunks.values())))
        stale = self._store.read(self.partition).keys() - taken.manifest.keys - {MANIFEST}
        await self._store.write(self.partition, dict.fromkeys(sorted(stale)))

    async def _restore(self, first_offset: int) -> None:
        """Take up the stored state, and fold what the log has between it and the first message that we are given."""
        with metrics.RECOVERY_SECONDS.time():
            entries = self._store.read(self.partition)
            if MANIFEST in entries:
                try:
                    manifest = snapshots.decode_manifest(entries[MANIFEST])
                    self._fold = snapshots.restore(self._terms, manifest, entries)
                    self._next = self._stored_next = manifest.next_offset
                except BadSnapshot as error:
                    log.error(
                        "snapshot can't be used, the log is folded anew", partition=self.partition, reason=str(error)
                    )
            log.info("partition taken up", partition=self.partition, next=self._next, first=first_offset)
            if self._next < first_offset:
                async for records in read_stretch(
                    self._bootstrap, ALERTING_INPUTS, self.partition, self._next, first_offset
                ):
                    await self._fold_all([Taken(record, _nothing) for record in records])

    async def _fold_all(self, pending: "list[Taken]") -> None:
        """Fold messages in order and send what comes of them, acknowledged, before anything else happens."""
        produced: list[Outputs] = []
        slice_began = clock.elapsed()
        for taken in pending:
            self._held.append(taken)
            if taken.record.offset < self._next:
                continue  # folded already: redelivered
            try:
                for outputs in self._fold.apply(inputs.decode(taken.record.value or b"")):
                    produced.append(outputs)
                    if clock.elapsed() - slice_began > LONGEST_SLICE_SECONDS:
                        await asyncio.sleep(0)
                        slice_began = clock.elapsed()
            except Exception as error:  # noqa: BLE001  one message that can't be folded must not stop all alerts
                await self._put_aside(taken.record, error)
            self._next = taken.record.offset + 1
        await self._tell(produced)
        self._measure()

    async def _put_aside(self, record: Record, error: Exception) -> None:
        if not isinstance(error, BadMessage):
            log.exception("message can't be folded", partition=record.partition, offset=record.offset)
        await until_sent(lambda: self._reader.put_aside(record, error))

    async def _tell(self, produced: list[Outputs]) -> None:
        events = [
            Outgoing(ALERT_EVENTS, event.alert_id, event, event.id, event.instant)
            for outputs in produced
            for event in outputs.events
        ]
        states = [Outgoing(ALERT_STATE, key, alert) for outputs in produced for key, alert in outputs.current]
        if events:
            await until_sent(lambda: self._producer.send_all(events))
            await until_sent(lambda: self._producer.send_all(states))
        for outputs in produced:
            metrics.count(outputs)
            self._tell_errors(outputs)

    def _tell_errors(self, outputs: Outputs) -> None:
        for failure in outputs.failures:
            if failure not in self._told_errors:
                self._told_errors.add(failure)
                log.warning("rule can't be evaluated", group=failure.group, rule=failure.rule, reason=failure.reason)

    def _measure(self) -> None:
        name, groups = str(self.partition), self._fold.groups.values()
        metrics.GROUPS.labels(name).set(len(groups))
        metrics.SERIES.labels(name).set(sum(len(group.windows) for group in groups))
        held = {
            Failure(group.name, rule.rule.name, rule.error) for group in groups for rule in group.rules if rule.error
        }
        metrics.HELD.labels(name).set(len(held))
        for failure in sorted(held - self._rules_held):
            log.warning("rule is held", group=failure.group, rule=failure.rule, reason=failure.reason)
        self._rules_held = held


def _add(pending: list[Taken], taken: Taken | None) -> bool:
    """Whether there was a message to add: None is the word to stop."""
    if taken is not None:
        pending.append(taken)
    return taken is not None


def _portions(chunks: dict[str, bytes]) -> Iterator[dict[str, bytes | None]]:
    """Chunks by about one chunk's size: what else is to be sent finds a place between them."""
    portion: dict[str, bytes | None] = {}
    size = 0
    for key, chunk in chunks.items():
        if portion and size + len(chunk) > snapshots.LARGEST_CHUNK:
            yield portion
            portion, size = {}, 0
        portion[key] = chunk
        size += len(chunk)
    if portion:
        yield portion


def _nothing() -> None:
    """What was read again has nobody to be acknowledged to."""
