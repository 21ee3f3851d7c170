"""Evaluating what is due, beside the folding: one piece of work at a time, short ones in turns here, long ones in a
thread. Messages go on being folded meanwhile, but for those that an evaluation must precede."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from services.alerting import metrics
from services.alerting.core.fold import Fold, Work
from services.alerting.core.group import GroupAtWork
from services.alerting.reporting import Cost, Reporter
from services.alerting.telling import Teller
from services.alerting.turns import Turns, in_thread
from shared.rules.slices import Slice

log = structlog.get_logger()

# A rule that is expected to take longer is evaluated in a thread, with its group.
LONGEST_HERE_SECONDS = 0.004
# So is a group of more series that was not evaluated yet.
MOST_SERIES_HERE = 2_000
# Missed instants up to so many are taken one by one, like any others; more are made up for together, in a thread.
FEW_INSTANTS = 8
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
            name = next(iter(self._fold.due_groups), None)
            if name is None:
                return
            self._begin(self._next_of(name))
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
            work = self._next_of(name)
            await self._conclude(work, self._evaluate(work, urgent=True))

    async def keep_up(self) -> None:
        """Windows hold what is not evaluated yet: while that is too much, evaluate before anything else."""
        fold = self._fold
        while (oldest := fold.oldest_due_ms) is not None and fold.timeline.now_ms - oldest > MOST_BEHIND_MS:
            await self.finish()
            if self._fold.due_groups:
                self._begin(self._next_of(next(iter(self._fold.due_groups))))
                await self.finish()

    def _begin(self, work: Work) -> None:
        task = asyncio.create_task(self._evaluate(work))
        task.add_done_callback(lambda _: self._awake())
        self._in_hand = work, task

    async def _evaluate(self, work: Work, *, urgent: bool = False) -> Slice:
        steps, ticks = work.steps(), len(work.ticks)
        behind_seconds = (self._fold.timeline.now_ms - work.ticks[0].instant_ms) / 1_000
        if ticks > 1 or not self._is_light(work.group):
            loop = asyncio.get_running_loop()
            done = await loop.run_in_executor(self._threads, in_thread, steps, behind_seconds)
        elif urgent:
            done = await self._turns.urgent(steps)
        else:
            done = await self._turns.take(steps, behind_seconds)
        self._reporter.costs[work.group.name] = Cost(done.seconds / ticks, done.longest_seconds / ticks)
        metrics.EVALUATION_SECONDS.observe(done.seconds)
        return done.result

    def _is_light(self, group: GroupAtWork) -> bool:
        known = self._reporter.costs.get(group.name)
        return group.series <= MOST_SERIES_HERE if known is None else known.longest_seconds <= LONGEST_HERE_SECONDS

    def _next_of(self, name: str) -> Work:
        """The next due instants of a group: one, if that is soon done."""
        group = self._fold.groups[name]
        return self._fold.work_of(name, 1 if len(group.due) <= FEW_INSTANTS and self._is_light(group) else None)

    async def _conclude(self, work: Work, evaluation: Awaitable[Slice]) -> None:
        try:
            outputs = self._fold.finish(work, await evaluation)
        except Exception as error:  # one group that can't be evaluated must not stop all alerts
            log.exception("group can't be evaluated", group=work.group.name)
            outputs = self._fold.fail(work, f"a fault of Pantau's own: {type(error).__name__}: {error}"[:500])
        await self._teller.tell([outputs])
