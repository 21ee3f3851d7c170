"""The owner of one partition of the group log: folds it, tells what comes of it, and keeps the state in snapshots.

The order of effects makes any crash harmless: events are acknowledged before a snapshot is stored, the snapshot before
the messages that it covers are. What is folded again after a crash gives the same events with the same ids.

Instants of the grid are evaluated beside the folding, one piece of work at a time: short ones here, long ones in a
thread. Messages go on being folded meanwhile, but for those that the evaluation must precede.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog

from services.alerting import metrics
from services.alerting.core import inputs, snapshots
from services.alerting.core.fold import Fold
from services.alerting.core.outputs import Failure, Outputs
from services.alerting.core.snapshots import BadSnapshot, OtherFormat
from services.alerting.core.terms import Terms
from services.alerting.evaluating import Evaluating
from services.alerting.keeping import Keeper
from services.alerting.left_out import whole
from services.alerting.places import Record, read_stretch, where_to_go_on
from services.alerting.reporting import Reporter
from services.alerting.sending import until_sent
from services.alerting.store import MANIFEST, Store
from services.alerting.taken import Taken
from services.alerting.telling import Teller
from services.alerting.turns import Breaths, TakingUp, Turns
from shared import clock
from shared.bus import Producer
from shared.bus.received import Reader
from shared.messages.message import BadMessage
from shared.messages.topics import ALERTING_INPUTS

log = structlog.get_logger()

# A message may hold a quarter of a megabyte.
MOST_WAITING = 200
MOST_AT_ONCE = 100
# Messages that wait for the snapshot that covers them, before one is taken ahead of its time.
MOST_HELD = 10_000
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
        turns: Turns,
        taking_up: TakingUp,
    ) -> None:
        self.partition, self._bootstrap, self._terms = partition, bootstrap, terms
        self._snapshot_seconds, self._threads, self._turns = snapshot_seconds, threads, turns
        self._taking_up = taking_up
        self._reader, self._teller = Reader("alerting", producer), Teller(producer)
        self._reporter = Reporter(producer, worker)
        self._waiting: asyncio.Queue[Taken | None] = asyncio.Queue(MOST_WAITING)
        self._awake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._stopped = False
        self._lock = threading.Lock()
        self._keeper = Keeper(partition, store, name, threads, self._awake.set)
        self._adopt(Fold(terms, self._lock))
        self._next = 0
        self._rules_held: set[Failure] = set()

    def _adopt(self, fold: Fold) -> None:
        self._fold = fold
        self._reporter.adopt(fold)
        self._evaluating = Evaluating(fold, self._teller, self._reporter, self._turns, self._threads, self._awake.set)

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
        try:
            await self._restore(first.record.offset)
            await self._taking_up.over()
            await self._fold_until_stopped([first])
            await self._keeper.end()
            self._keeper.begin(self._fold, self._next)
            await self._keeper.end()
        finally:
            await self._keeper.give_up()  # who owns the partition next must not be overwritten
            if self._reporting is not None:
                self._reporting.cancel()

    async def _fold_until_stopped(self, pending: "list[Taken]") -> None:
        snapshot_at = clock.elapsed() + self._snapshot_seconds
        report_at = clock.elapsed()
        stopping = False
        while not stopping:
            while len(pending) < MOST_AT_ONCE and not self._waiting.empty() and not stopping:
                stopping = not _add(pending, self._waiting.get_nowait())
            await self._fold_all(await whole(self._bootstrap, ALERTING_INPUTS, pending, {self.partition: self._next}))
            pending = []
            await self._evaluating.go_on(lambda: not self._waiting.empty())
            now = clock.elapsed()
            if now >= snapshot_at or len(self._keeper) >= MOST_HELD:
                if len(self._keeper) >= MOST_HELD:
                    await self._keeper.end()
                self._keeper.begin(self._fold, self._next)
                snapshot_at = clock.elapsed() + self._snapshot_seconds
            if now >= report_at:
                self._report()
                report_at = clock.elapsed() + REPORT_SECONDS
            if not stopping and self._waiting.empty():
                await self._until_something_happens(min(snapshot_at, report_at))
        await self._evaluating.finish()

    async def _until_something_happens(self, deadline: float) -> None:
        """A message has come, a piece of work is done, or it is time for something else."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(deadline - clock.elapsed(), 0.0)):
                await self._awake.wait()
        self._awake.clear()

    async def _fold_all(self, pending: "list[Taken]") -> None:
        """Fold messages in order and send what comes of them, acknowledged, before anything else happens."""
        produced: list[Outputs] = []
        breaths = Breaths()
        for taken in pending:
            self._keeper.hold(taken)
            if taken.record.offset < self._next:
                continue  # folded already: redelivered
            try:
                for message in inputs.decode(taken.record.value or b""):
                    while names := self._fold.awaited(message):
                        await self._tell(produced)  # what was decided before, of the same alerts perhaps
                        await self._evaluating.do(names[0])
                    for outputs in self._fold.apply(message, taken.record.timestamp):
                        produced.append(outputs)
                        await breaths.take()
            except Exception as error:  # noqa: BLE001  one message that can't be folded must not stop all alerts
                await self._put_aside(taken.record, error)
            self._next = taken.record.offset + 1
        await self._tell(produced)
        await self._evaluating.keep_up()

    async def _tell(self, produced: list[Outputs]) -> None:
        """Send what came of folding, and let go of it."""
        await self._teller.tell(produced)
        produced.clear()

    async def _restore(self, first_offset: int) -> None:
        """Take up the stored state, and fold what the log has between it and the first message that we are given."""
        began = clock.elapsed()
        with metrics.RECOVERY_SECONDS.time(), self._taking_up.one_more():
            entries = self._keeper.entries()
            if MANIFEST in entries:
                try:
                    manifest = snapshots.decode_manifest(entries[MANIFEST])
                    fold = await asyncio.get_running_loop().run_in_executor(
                        self._threads, snapshots.restore, self._terms, manifest, entries, self._lock
                    )
                    self._adopt(fold)
                    self._next = await self._known_up_to(manifest.next_offset)
                    self._keeper.restored(self._next, manifest)
                except OtherFormat as error:
                    # The log is of that version, too; windows are filled again for this one.
                    self._next = first_offset
                    self._keeper.restored(first_offset)
                    log.warning("state of another version, begun anew", partition=self.partition, reason=str(error))
                except BadSnapshot as error:
                    log.error(
                        "snapshot can't be used, the log is folded anew", partition=self.partition, reason=str(error)
                    )
            seconds = round(clock.elapsed() - began, 1)
            log.info(
                "partition taken up", partition=self.partition, next=self._next, first=first_offset, seconds=seconds
            )
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

    def _report(self) -> None:
        """Tell how the groups do, beside the folding; not while it is still being told."""
        self._measure()
        if self._reporting is not None:
            if not self._reporting.done():
                return
            self._reporting.result()
        self._reporting = asyncio.create_task(self._reporter.report(self._fold))

    def _measure(self) -> None:
        name = str(self.partition)
        groups = self._fold.groups.values()
        metrics.GROUPS.labels(name).set(len(groups))
        metrics.SERIES.labels(name).set(len(self._fold.store))
        metrics.WINDOW_BYTES.labels(name).set(self._fold.store.nbytes)
        oldest, now_ms = self._fold.oldest_due_ms, self._fold.timeline.now_ms
        metrics.BEHIND.labels(name).set(0 if oldest is None else (now_ms - oldest) / 1_000)
        metrics.GROUPS_REFUSED.labels(name).set(sum(group.refusal is not None for group in groups))
        held = {
            Failure(group.name, group.definition.rules[place].name, reason)
            for group in groups
            for place, reason in group.problems.items()
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


def _nothing() -> None:
    """What was read again has nobody to be acknowledged to."""
