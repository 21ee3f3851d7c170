"""Keeping a partition's state: snapshots, taken between two messages and stored while messages go on being folded; and
the messages that wait to be acknowledged until the snapshot that covers them is stored."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from services.alerting import metrics
from services.alerting.core import snapshots
from services.alerting.core.fold import Fold
from services.alerting.core.snapshots import Manifest, Parts
from services.alerting.store import MANIFEST, Store, portions
from services.alerting.taken import Taken

# How long a write that was begun may take when the partition goes elsewhere.
ON_ITS_WAY_SECONDS = 2.0


class Keeper:
    """The snapshots of one partition. `name` makes the keys of its chunks unlike those of any other owner; `awake` is
    called when one is stored, or could not be."""

    def __init__(
        self, partition: int, store: Store, name: str, threads: ThreadPoolExecutor, awake: Callable[[], None]
    ) -> None:
        self._partition, self._store, self._name = partition, store, name
        self._threads, self._awake = threads, awake
        self._held: deque[tuple[int, Callable[[], None]]] = deque()
        """Offsets, and how to acknowledge; not the messages themselves, which may be large."""
        self._manifest: Manifest | None = None
        """The last one that was written or restored."""
        self._stored_next = 0
        self._snapshots = 0
        self._storing: asyncio.Task[None] | None = None
        self._given_up = False

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._held)

    def hold(self, taken: Taken) -> None:
        """This message is to be acknowledged when a snapshot covers it."""
        self._held.append((taken.record.offset, taken.done))

    def entries(self) -> Mapping[str, bytes]:
        """What is stored for the partition."""
        return self._store.read(self._partition)

    def restored(self, next_offset: int, manifest: Manifest | None = None) -> None:
        """Everything below is covered by what is stored, by this manifest if it can be built upon."""
        self._manifest, self._stored_next = manifest, next_offset

    def begin(self, fold: Fold, next_offset: int) -> None:
        """Take a snapshot of a fold that has folded everything below `next_offset`, and begin to store it; nothing
        while another is being stored. Raises what went wrong with the one before: the fold must be restored then."""
        if self._storing is not None:
            if not self._storing.done():
                return
            self._storing.result()
        self._let_go()
        if next_offset > self._stored_next:
            self._storing = asyncio.create_task(self._keep(snapshots.parts(fold), next_offset))
            self._storing.add_done_callback(lambda _: self._awake())

    async def end(self) -> None:
        """Wait until what was begun is stored."""
        if self._storing is not None:
            await self._storing
        self._let_go()

    async def give_up(self) -> None:
        """Store no more of what was begun; what is on its way to the bus is waited for, for as long as it may take."""
        self._given_up = True
        if self._storing is not None:
            await asyncio.wait([self._storing], timeout=ON_ITS_WAY_SECONDS)
            self._storing.cancel()

    async def _keep(self, parts: Parts, next_offset: int) -> None:
        with metrics.SNAPSHOT_SECONDS.time():
            self._snapshots += 1
            stored = self._store.read(self._partition)
            name = f"{self._name}/{self._snapshots}"
            # What is left is bytes of copies: packing them holds nothing up.
            taken = await asyncio.get_running_loop().run_in_executor(
                self._threads, snapshots.write, parts, next_offset, self._manifest, name, stored.get
            )
            for part in portions(taken.chunks):
                await self._write(part)
            await self._write({MANIFEST: snapshots.encode_manifest(taken.manifest)})
            # Chunks of the one before stay: another worker may have begun with that when the partition moved.
            kept = taken.manifest.keys | (self._manifest.keys if self._manifest else set()) | {MANIFEST}
            self._manifest, self._stored_next = taken.manifest, next_offset
            metrics.SNAPSHOT_BYTES.labels(str(self._partition)).set(sum(map(len, taken.chunks.values())))
            self._let_go()
            stale = self._store.read(self._partition).keys() - kept
            await self._write(dict.fromkeys(sorted(stale)))

    async def _write(self, entries: dict[str, bytes | None]) -> None:
        if self._given_up:
            raise asyncio.CancelledError
        await self._store.write(self._partition, entries)

    def _let_go(self) -> None:
        while self._held and self._held[0][0] < self._stored_next:
            self._held.popleft()[1]()
