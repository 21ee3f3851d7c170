"""The owner of one partition of the group log: folds it, tells what comes of it, and keeps the state in snapshots.

The order of effects makes any crash harmless: events are acknowledged before a snapshot is stored, the snapshot before
the messages that it covers are. What is folded again after a crash gives the same events with the same ids.

Instants of the grid are evaluated beside the folding, one piece of work at a time: short ones here, long ones in a
thread. Messages go on being folded meanwhile, but for those that the evaluation must precede.
"""

import asyncio
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog

from services.alerting import metrics
from services.alerting.core import inputs, snapshots
from services.alerting.core.fold import Fold, Work
from services.alerting.core.outputs import Failure, Outputs
from services.alerting.core.snapshots import BadSnapshot, Manifest, OtherFormat
from services.alerting.core.terms import Terms
from services.alerting.left_out import whole
from services.alerting.places import Record, read_stretch, where_to_go_on
from services.alerting.reporting import Reporter
from services.alerting.sending import until_sent
from services.alerting.store import MANIFEST, Store, portions
from services.alerting.taken import Taken
from services.alerting.telling import Teller
from shared import clock
from shared.bus import Producer
from shared.bus.received import Reader
from shared.messages.message import BadMessage
from shared.messages.topics import ALERTING_INPUTS
from shared.rules.slices import Slice

log = structlog.get_logger()

MOST_WAITING = 2_000
MOST_AT_ONCE = 100
# Messages that wait for the snapshot that covers them, before one is taken ahead of its time.
MOST_HELD = 10_000
LONGEST_SLICE_SECONDS = 0.01
# What is expected to take longer is done in a thread.
LONGEST_HERE_SECONDS = 0.004
# How far the evaluation of the grid may fall behind before no more messages are folded.
MOST_BEHIND_MS = 60_000
REPORT_SECONDS = 1.0


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
        worker: str,
        threads: ThreadPoolExecutor,
    ) -> None:
        self.partition, self._bootstrap, self._terms = partition, bootstrap, terms
        self._snapshot_seconds, self._store, self._name, self._threads = snapshot_seconds, store, name, threads
        self._reader, self._teller = Reader("alerting", producer), Teller(producer)
        self._reporter = Reporter(producer, worker)
        self._waiting: asyncio.Queue[Taken | None] = asyncio.Queue(MOST_WAITING)
        self._awake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._stopped = False
        self._held: deque[Taken] = deque()
        self._lock = threading.Lock()
        self._fold = Fold(terms, self._lock)
        self._in_hand: tuple[Work, asyncio.Task[Slice]] | None = None
        self._next = 0
        self._manifest: Manifest | None = None
        """The last one that was written or restored."""
        self._stored_next = 0
        self._snapshots = 0
        self._rules_held: set[Failure] = set()

    async def put(self, taken: Taken) -> None:
        """Hand over a message; waits while too many wait. After `stop` it is left to the next owner."""
        if not self._stopped:
            await self._waiting.put(taken)
            self._awake.set()

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
                self._awake.set()
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
        snapshot_at = clock.elapsed() + self._snapshot_seconds
        report_at = clock.elapsed()
        pending: list[Taken] = [first]
        stopping = False
        while not stopping:
            while len(pending) < MOST_AT_ONCE and not self._waiting.empty() and not stopping:
                stopping = not _add(pending, self._waiting.get_nowait())
            await self._fold_all(await whole(self._bootstrap, ALERTING_INPUTS, pending, {self.partition: self._next}))
            pending = []
            await self._go_on_evaluating()
            now = clock.elapsed()
            if stopping or now >= snapshot_at or len(self._held) >= MOST_HELD:
                await self._snapshot()
                snapshot_at = clock.elapsed() + self._snapshot_seconds
            if now >= report_at:
                await self._report()
                report_at = clock.elapsed() + REPORT_SECONDS
            if not stopping and self._waiting.empty():
                await self._until_something_happens(min(snapshot_at, report_at))
        await self._snapshot()

    async def _until_something_happens(self, deadline: float) -> None:
        """A message has come, a piece of work is done, or it is time for something else."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(deadline - clock.elapsed(), 0.0)):
                await self._awake.wait()
        self._awake.clear()

    async def _go_on_evaluating(self) -> None:
        """Take up what was evaluated, and begin with what is due next."""
        while True:
            if self._in_hand is not None:
                if not self._in_hand[1].done():
                    return
                await self._finish()
            work = next(self._fold.due(), None)
            if work is None:
                return
            self._begin(work)
            if not self._waiting.empty():
                return  # messages come first: one may be what an alert waits for
            await asyncio.sleep(0)

    def _begin(self, work: Work) -> None:
        task = asyncio.create_task(self._evaluate(work))
        task.add_done_callback(lambda _: self._awake.set())
        self._in_hand = work, task

    async def _evaluate(self, work: Work) -> Slice:
        name = work.group.name
        expected = self._reporter.seconds.get(name, 0.0) * len(work.ticks)
        began = clock.elapsed()
        if expected <= LONGEST_HERE_SECONDS and len(work.ticks) == 1:
            result = work.evaluate()
        else:
            result = await asyncio.get_running_loop().run_in_executor(self._threads, work.evaluate)
        took = clock.elapsed() - began
        self._reporter.seconds[name] = took / len(work.ticks)
        metrics.EVALUATION_SECONDS.observe(took)
        return result

    async def _finish(self) -> None:
        """Wait for the work in hand, and tell what came of it."""
        if self._in_hand is None:
            return
        work, task = self._in_hand
        try:
            outputs = self._fold.finish(work, await task)
        except Exception as error:  # one group that can't be evaluated must not stop all alerts
            log.exception("group can't be evaluated", group=work.group.name)
            outputs = self._fold.fail(work, f"a fault of Pantau's own: {type(error).__name__}: {error}"[:500])
        self._in_hand = None
        await self._teller.tell([outputs])

    async def _do(self, name: str) -> None:
        """Evaluate the next due instants of a group now."""
        await self._finish()
        if name in self._fold.due_groups:
            self._begin(self._fold.work_of(name))
            await self._finish()

    async def _fold_all(self, pending: "list[Taken]") -> None:
        """Fold messages in order and send what comes of them, acknowledged, before anything else happens."""
        produced: list[Outputs] = []
        slice_began = clock.elapsed()
        for taken in pending:
            self._held.append(taken)
            if taken.record.offset < self._next:
                continue  # folded already: redelivered
            try:
                message = inputs.decode(taken.record.value or b"")
                while names := self._fold.awaited(message):
                    await self._tell(produced)  # what was decided before, of the same alerts perhaps
                    await self._do(names[0])
                for outputs in self._fold.apply(message, taken.record.timestamp):
                    produced.append(outputs)
                    if clock.elapsed() - slice_began > LONGEST_SLICE_SECONDS:
                        await asyncio.sleep(0)
                        slice_began = clock.elapsed()
            except Exception as error:  # noqa: BLE001  one message that can't be folded must not stop all alerts
                await self._put_aside(taken.record, error)
            self._next = taken.record.offset + 1
            await self._keep_up(produced)
        await self._tell(produced)
        self._measure()

    async def _tell(self, produced: list[Outputs]) -> None:
        """Send what came of folding, and let go of it."""
        await self._teller.tell(produced)
        produced.clear()

    async def _keep_up(self, produced: list[Outputs]) -> None:
        """Windows hold what is not evaluated yet: it must not become too much."""
        while (oldest := self._fold.oldest_due_ms) is not None and self._fold.timeline.now_ms - oldest > MOST_BEHIND_MS:
            await self._tell(produced)
            await self._finish()
            work = next(self._fold.due(), None)
            if work is not None:
                self._begin(work)
                await self._finish()

    async def _snapshot(self) -> None:
        """Store the state, then acknowledge what it covers. Only between messages, and with no work in hand."""
        if self._next > self._stored_next:
            await self._finish()
            with metrics.SNAPSHOT_SECONDS.time():
                await self._store_state()
        while self._held and self._held[0].record.offset < self._stored_next:
            self._held.popleft().done()

    async def _store_state(self) -> None:
        self._snapshots += 1
        stored = self._store.read(self.partition)
        name = f"{self._name}/{self._snapshots}"
        parts = snapshots.parts(self._fold)
        # What is left is bytes of copies: packing them holds nothing up.
        taken = await asyncio.get_running_loop().run_in_executor(
            self._threads, snapshots.write, parts, self._next, self._manifest, name, stored.get
        )
        for part in portions(taken.chunks):
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
                    self._fold = await asyncio.get_running_loop().run_in_executor(
                        self._threads, snapshots.restore, self._terms, manifest, entries, self._lock
                    )
                    self._manifest = manifest
                    self._next = self._stored_next = await self._known_up_to(manifest.next_offset)
                except OtherFormat as error:
                    # The log is of that version, too; windows are filled again for this one.
                    self._next = self._stored_next = first_offset
                    log.warning("state of another version, begun anew", partition=self.partition, reason=str(error))
                except BadSnapshot as error:
                    log.error(
                        "snapshot can't be used, the log is folded anew", partition=self.partition, reason=str(error)
                    )
            self._reporter.adopt(self._fold)
            log.info("partition taken up", partition=self.partition, next=self._next, first=first_offset)
            if self._next < first_offset:
                async for records in read_stretch(
                    self._bootstrap, ALERTING_INPUTS, self.partition, self._next, first_offset
                ):
                    await self._fold_all([Taken(record, _nothing) for record in records])
            self._next = max(self._next, first_offset)  # the log may begin later than where we left it

    async def _known_up_to(self, next_offset: int) -> int:
        """Where the restored state goes on in the log."""
        now_ms = self._fold.timeline.now_ms
        place = await where_to_go_on(self._bootstrap, ALERTING_INPUTS, self.partition, next_offset, now_ms)
        if place != next_offset:
            log.error(
                "the log ends before the snapshot: it was made anew, or the bus has lost its end; alerts go on as they "
                "were stored, with the messages that it has since then",
                partition=self.partition,
                stored=next_offset,
                next=place,
            )
        return place

    async def _put_aside(self, record: Record, error: Exception) -> None:
        if not isinstance(error, BadMessage):
            log.exception("message can't be folded", partition=record.partition, offset=record.offset)
        await until_sent(lambda: self._reader.put_aside(record, error))

    async def _report(self) -> None:
        await self._reporter.report(self._fold)
        name, groups = str(self.partition), self._fold.groups.values()
        held = {
            Failure(group.name, group.definition.rules[place].name, reason)
            for group in groups
            for place, reason in group.problems.items()
        }
        metrics.HELD.labels(name).set(len(held))
        metrics.GROUPS_REFUSED.labels(name).set(sum(group.refusal is not None for group in groups))
        for failure in sorted(held - self._rules_held):
            log.warning("rule is held", group=failure.group, rule=failure.rule, reason=failure.reason)
        self._rules_held = held

    def _measure(self) -> None:
        name = str(self.partition)
        metrics.GROUPS.labels(name).set(len(self._fold.groups))
        metrics.SERIES.labels(name).set(len(self._fold.store))
        metrics.WINDOW_BYTES.labels(name).set(self._fold.store.nbytes)


def _add(pending: list[Taken], taken: Taken | None) -> bool:
    """Whether there was a message to add: None is the word to stop."""
    if taken is not None:
        pending.append(taken)
    return taken is not None


def _nothing() -> None:
    """What was read again has nobody to be acknowledged to."""
