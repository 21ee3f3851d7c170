"""The program: views of the rules, the router, the owners of the log's partitions, and the stream that feeds them."""

import asyncio
import gc
import os
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import structlog

from services.alerting.history_filling import HistoryFiller
from services.alerting.owner import Owner
from services.alerting.router import Router
from services.alerting.settings import Settings
from services.alerting.stream import GROUP, Stream
from services.alerting.taken import Taken
from services.alerting.turns import TakingUp, Turns
from shared.bus import Follower
from shared.database import Database
from shared.messages.topics import ALERTING_ROUTING, RULES
from shared.service import Program, Runtime

log = structlog.get_logger()

LAST_SNAPSHOT_SECONDS = 4.0
# Faust's threads may hang on a bus that is away: then the process is ended the hard way, which loses nothing.
LAST_RESORT_SECONDS = 30.0
# Windows are many objects that live long and hold no cycles: looking through all of them for garbage holds alerts up
# for tenths of a second, and finds nothing.
GARBAGE_THRESHOLDS = (50_000, 20, 100)
# How long a thread that evaluates may keep the interpreter from the event loop.
SWITCH_SECONDS = 0.0005


class Alerting:
    """What the stream's messages are handed to."""

    def __init__(self, runtime: Runtime, settings: Settings) -> None:
        mine, bootstrap = settings.alerting, settings.kafka.bootstrap
        self._settings, self._runtime = mine, runtime
        self._bootstrap = bootstrap
        self.stream = Stream(bootstrap, settings.instance, mine.fetch_wait_milliseconds, runtime.producer, self)
        self.database = Database(settings.database, "alerting", 1)
        history = HistoryFiller(self.database, runtime.producer)
        self.router = Router(bootstrap, GROUP, runtime.producer, settings.terms, mine.marker_interval_seconds, history)
        self._threads = ThreadPoolExecutor(mine.evaluation_threads, thread_name_prefix="evaluation")
        self._turns, self._taking_up = Turns(), TakingUp()
        self._terms, self._instance = settings.terms, settings.instance
        self._owners: dict[int, Owner] = {}
        self._inputs: set[int] = set()
        self._failures: asyncio.Queue[BaseException] = asyncio.Queue()

    async def take_samples(self, taken: Taken) -> None:
        """A message of `pantau.samples`."""
        await self._taking_up.over()
        await self.router.put(taken)

    async def take_input(self, taken: Taken) -> None:
        """A message of `pantau.alerting.log`."""
        partition = taken.record.partition
        if partition not in self._inputs:
            return  # in hand while the partition was revoked: not acknowledged, so it comes again, perhaps elsewhere
        owner = self._owners.get(partition)
        if owner is None:
            owner = self._owners[partition] = self._new_owner(partition)
        await owner.put(taken)

    async def assigned(self, samples: set[int], inputs: set[int]) -> None:
        """These partitions are ours from now on."""
        log.info("partitions assigned", samples=sorted(samples), inputs=sorted(inputs))
        self.router.assign(samples)
        self._inputs = inputs

    async def revoked(self) -> None:
        """The partitions may go elsewhere: keep the state, end the owners."""
        owners, self._owners, self._inputs = self._owners, {}, set()
        await asyncio.gather(*(owner.stop(LAST_SNAPSHOT_SECONDS) for owner in owners.values()))

    async def failed(self) -> None:
        """Waits for an owner that ends with an error, and raises that."""
        raise await self._failures.get()

    def _new_owner(self, partition: int) -> Owner:
        owner = Owner(
            partition,
            self._bootstrap,
            self._terms,
            self._settings.snapshot_interval_seconds,
            self._runtime.producer,
            self.stream,
            uuid.uuid4().hex[:12],
            self._instance,
            self._threads,
            self._turns,
            self._taking_up,
        )
        owner.start().add_done_callback(self._note_end)
        return owner

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failures.put_nowait(error)


def program(settings: Settings) -> Program:
    """The work of the service."""

    async def run(runtime: Runtime) -> None:
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        sys.setswitchinterval(SWITCH_SECONDS)
        alerting = Alerting(runtime, settings)
        runtime.lag = alerting.router.lag
        runtime.readiness.missing("rules", "being read")
        runtime.readiness.missing("partitions", "not assigned yet")
        bootstrap, producer = settings.kafka.bootstrap, runtime.producer
        rules = Follower(bootstrap, "alerting", [RULES], producer, alerting.router.rules.apply)
        filled = Follower(bootstrap, "alerting", [ALERTING_ROUTING], producer, alerting.router.note_filled)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(rules.run())
                tasks.create_task(filled.run())
                await rules.caught_up.wait()
                await filled.caught_up.wait()
                runtime.readiness.there("rules")
                await alerting.router.learn_topics()  # before the stream: one that begins without them is given none
                tasks.create_task(alerting.router.run(rules.up_to_now))
                tasks.create_task(alerting.stream.run())
                tasks.create_task(alerting.failed())
                tasks.create_task(_watch(runtime, alerting.stream))
        finally:
            _end_in_any_case()
            await alerting.revoked()
            await alerting.stream.commit()
            await alerting.stream.stop()
            await alerting.database.close()

    return run


async def _watch(runtime: Runtime, stream: Stream) -> None:
    """Ready while partitions are assigned and recovered."""
    while True:
        if stream.ready:
            runtime.readiness.there("partitions")
        else:
            runtime.readiness.missing("partitions", "being assigned or recovered")
        await asyncio.sleep(0.2)


def _end_in_any_case() -> None:
    def end() -> None:
        time.sleep(LAST_RESORT_SECONDS)
        os._exit(1)

    threading.Thread(target=end, daemon=True, name="last resort").start()
