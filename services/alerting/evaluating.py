"""Evaluating what is due, beside the folding: one piece of work at a time, short ones in turns here, long ones in a
thread. Messages go on being folded meanwhile, but for those that an evaluation must precede."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from services.alerting import metrics
from services.alerting.core.fold import Fold, Work
from services.alerting.reporting import Cost, Reporter
from services.alerting.telling import Teller
from services.alerting.turns import Turns, at_once
from shared.rules.slices import Slice

log = structlog.get_logger()

# A rule that is expected to take longer is evaluated in a thread, with its group; so is a group that is new.
LONGEST_HERE_SECONDS = 0.004
# How far the evaluation of the grid may fall behind before no more messages are folded.
MOST_BEHIND_MS = 60_000


class Evaluating:
    """The evaluations of one partition's fold. `awake` is called when one is done."""

    def __init__(
        self,
        fold: Fold,
        teller: Teller,
        reporter: Reporter,
        turns: Turns,
        threads: ThreadPoolExecutor,
        awake: Callable[[], None],
    ) -> None:
        self._fold, self._teller, self._reporter = fold, teller, reporter
        self._turns, self._threads, self._awake = turns, threads, awake
        self._in_hand: tuple[Work, asyncio.Task[Slice]] | None = None

    async def go_on(self, others_wait: Callable[[], bool]) -> None:
        """Take up what was evaluated, and begin with what is due next."""
        while True:
            if self._in_hand is not None:
                if not self._in_hand[1].done():
                    return
                await self.finish()
            work = next(self._fold.due(), None)
            if work is None:
                return
            self._begin(work)
            if others_wait():
                return  # messages come first: one may be what an alert waits for
            await asyncio.sleep(0)

    async def finish(self) -> None:
        """Wait for the work in hand, and tell what came of it."""
        if self._in_hand is not None:
            work, task = self._in_hand
            await self._conclude(work, task)
            self._in_hand = None

    async def do(self, name: str) -> None:
        """Evaluate the next due instants of a group now."""
        if self._in_hand is not None and self._in_hand[0].group.name == name:
            await self.finish()
        elif name in self._fold.due_groups:
            work = self._fold.work_of(name)
            await self._conclude(work, self._evaluate(work, urgent=True))

    async def keep_up(self) -> None:
        """Windows hold what is not evaluated yet: while that is too much, evaluate before anything else."""
        fold = self._fold
        while (oldest := fold.oldest_due_ms) is not None and fold.timeline.now_ms - oldest > MOST_BEHIND_MS:
            await self.finish()
            work = next(fold.due(), None)
            if work is not None:
                self._begin(work)
                await self.finish()

    def _begin(self, work: Work) -> None:
        task = asyncio.create_task(self._evaluate(work))
        task.add_done_callback(lambda _: self._awake())
        self._in_hand = work, task

    async def _evaluate(self, work: Work, *, urgent: bool = False) -> Slice:
        name, ticks = work.group.name, len(work.ticks)
        known = self._reporter.costs.get(name)
        if ticks == 1 and known is not None and known.longest_seconds <= LONGEST_HERE_SECONDS:
            behind_ms = self._fold.timeline.now_ms - work.ticks[0].instant_ms
            steps = work.steps()
            done = await (self._turns.urgent(steps) if urgent else self._turns.take(steps, behind_ms / 1_000))
        else:
            done = await asyncio.get_running_loop().run_in_executor(self._threads, at_once, work.steps())
        self._reporter.costs[name] = Cost(done.seconds / ticks, done.longest_seconds / ticks)
        metrics.EVALUATION_SECONDS.observe(done.seconds)
        return done.result

    async def _conclude(self, work: Work, evaluation: Awaitable[Slice]) -> None:
        try:
            outputs = self._fold.finish(work, await evaluation)
        except Exception as error:  # one group that can't be evaluated must not stop all alerts
            log.exception("group can't be evaluated", group=work.group.name)
            outputs = self._fold.fail(work, f"a fault of Pantau's own: {type(error).__name__}: {error}"[:500])
        await self._teller.tell([outputs])
