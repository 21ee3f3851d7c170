"""`python -m services.api.backtest_worker`: one backtest, in a process of its own.

Evaluating rules is Python at work for seconds: in api's own process it would hold up everybody's requests. A process
can also be ended at any moment, and its memory be bounded. The job comes as one line of JSON on standard input, the
answer goes out as lines of JSON. When standard input ends, whoever asked is gone, and so is this process.
"""

import asyncio
import os
import resource
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import SecretStr

from services.api.backtest_job import BacktestJob
from services.api.core.backtest import (
    change_body,
    count_sent,
    failure_bodies,
    notification_body,
    sent_counts,
    transition_body,
)
from services.api.core.backtest_bodies import (
    BacktestComparison,
    BacktestError,
    BacktestLine,
    BacktestProgress,
    BacktestSummary,
)
from shared import clock
from shared.database import Database, DatabaseUnavailable
from shared.messages.rules import RuleGroup
from shared.promql.errors import QueryRefused
from shared.promql.limits import Limits
from shared.rules.arrivals import TooManyInstants
from shared.rules.backtest import Backtest, backtest
from shared.rules.comparison import Comparison, compare
from shared.rules.dependencies import GroupCycle, evaluation_order, outputs_of
from shared.rules.expansion import Outside
from shared.rules.plan import GroupPlan, plan_group
from shared.rules.rule import Decision
from shared.rules.stored_outputs import WithoutOutputs
from shared.settings import DatabaseSettings
from shared.storage import Signs, StoredSource, complete_until, load, signs, wants_of_group
from shared.telemetry import configure_logging

PROGRESS_SECONDS = 0.2
NICENESS = 5
INPUT = 0
MEGABYTE = 1024 * 1024


class Refused(Exception):
    """It would cost more than is allowed; the text says what and what to do."""


class OutOfTime(BaseException):
    """The deadline has passed: nothing on the way may take this for a failure of its own."""


@dataclass(frozen=True)
class History:
    """What was read."""

    source: StoredSource
    signs: Signs
    until_ms: int
    """Complete until then; 0: not known."""


class Telling:
    """Lines go out as they are told; progress not more often than anybody can see."""

    def __init__(self, span_ms: int) -> None:
        self._span_ms = span_ms
        self._last = -PROGRESS_SECONDS

    def line(self, **line: Any) -> None:
        """Tell one."""
        sys.stdout.buffer.write(BacktestLine(**line).encode())

    def progress(self, done_ms: int) -> None:
        """Tell how far it is, unless that was told just now."""
        now = clock.elapsed()
        if now - self._last >= PROGRESS_SECONDS:
            self._last = now
            self.line(progress=BacktestProgress(done=done_ms, of=self._span_ms))
            sys.stdout.buffer.flush()


def main() -> None:
    """Do the job that is on standard input."""
    begun = clock.elapsed()
    job = BacktestJob.model_validate_json(sys.stdin.buffer.readline())
    configure_logging("api-backtest", job.log)
    threading.Thread(target=_end_with_input, daemon=True).start()
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (job.most_megabytes * MEGABYTE,) * 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches api, too, which ends us
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, job.most_seconds)
    telling = Telling((job.end_ms - job.start_ms) * (1 if job.current is None else 2))
    try:
        try:
            _run(job, telling, begun)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)  # what ended it is told without being cut short
    except (QueryRefused, TooManyInstants, GroupCycle, Refused) as error:
        telling.line(error=BacktestError(status=422, detail=_sentence(str(error))))
    except OutOfTime:
        reason = (
            f"It takes longer than the {job.most_seconds:g} s that are allowed: try a shorter range or fewer rules."
        )
        telling.line(error=BacktestError(status=422, detail=reason))
    except MemoryError:
        reason = f"It needs more than the {job.most_megabytes} MB that are allowed: try a shorter range or fewer rules."
        telling.line(error=BacktestError(status=422, detail=reason))
    except DatabaseUnavailable as error:
        telling.line(error=BacktestError(status=503, detail=f"History can't be read: {error}."))
    sys.stdout.buffer.flush()
    os._exit(0)  # all is said, and what memory is left need not suffice for a clean end


def _run(job: BacktestJob, telling: Telling, begun: float) -> None:
    outside = Outside(tuple(sorted(job.external_labels.items())), job.external_url)
    plans = [plan_group(group, job.evaluation_interval_ms) for group in job.groups]
    current = None if job.current is None else [plan_group(one, job.evaluation_interval_ms) for one in job.current]
    for groups in (job.groups, job.current or ()):
        evaluation_order([(group.name, group.rules) for group in groups])  # refuses cycles before history is read
    history = asyncio.run(_read(job, [*plans, *(current or ())], outside, begun))
    telling.progress(0)
    span = job.end_ms - job.start_ms
    before = None
    if job.current is not None and current is not None:
        before = _evaluate(job, job.current, current, history, outside, telling, 0, tell=False)
    found = _evaluate(job, job.groups, plans, history, outside, telling, 0 if before is None else span, tell=True)
    _tell(job, telling, found, before, history, begun)


async def _read(job: BacktestJob, plans: Sequence[GroupPlan], outside: Outside, begun: float) -> History:
    """All that any of the groups needs."""
    wants = [want for plan in plans for want in wants_of_group(plan, job.start_ms, job.end_ms, outside.options)]
    limits = Limits(
        samples=job.most_samples, series=job.most_series, clock=clock.elapsed, deadline=begun + job.most_seconds
    )
    database = Database(DatabaseSettings(dsn=SecretStr(job.dsn)), "backtest", most_connections=1)
    try:
        source = await load(database, wants, limits)
        signed = await signs(database, job.start_ms - job.dark_after_ms, job.end_ms)
        return History(source, signed, await complete_until(database))
    finally:
        await database.close()


def _evaluate(
    job: BacktestJob,
    groups: Sequence[RuleGroup],
    plans: Sequence[GroupPlan],
    history: History,
    outside: Outside,
    telling: Telling,
    done_ms: int,
    *,
    tell: bool,
) -> Backtest:
    """Try the groups, and `tell` their transitions as they are found. Refused if there are too many."""
    count = 0

    def told(decisions: Sequence[Decision]) -> None:
        nonlocal count
        count += len(decisions)
        if count > job.most_transitions:
            raise Refused(f"it finds more than {job.most_transitions} transitions: try a shorter range or fewer rules")
        for decision in decisions if tell else ():
            telling.line(transition=transition_body(decision, evidence=job.evidence))

    source = WithoutOutputs(history.source, [output for group in groups for output in outputs_of(group)], job.start_ms)
    return backtest(
        plans,
        source,
        job.start_ms,
        job.end_ms,
        known=history.signs.known,
        dark_after_ms=job.dark_after_ms,
        outside=outside,
        progress=lambda done, _: telling.progress(done_ms + done),
        told=told,
        most_instants=job.most_instants,
        with_evidence=job.evidence and tell,
    )


def _tell(
    job: BacktestJob, telling: Telling, found: Backtest, before: Backtest | None, history: History, begun: float
) -> None:
    sent = found.sent
    for one in sent:
        telling.line(notification=notification_body(one))
    failures = list(failure_bodies(found))
    for failure in failures:
        telling.line(failure=failure)
    comparison = None
    if before is not None:
        compared = compare(before.decisions, found.decisions, before.sent, sent, job.end_ms)
        for change in compared.changes:
            telling.line(change=change_body(change, job.end_ms))
        comparison = _comparison(compared)
    telling.line(
        summary=BacktestSummary(
            start=job.start_ms,
            end=job.end_ms,
            evaluations=found.evaluations,
            unknown_instants=found.unknown_instants,
            transitions=_states(found.decisions),
            notifications=count_sent(sent),
            failures=len(failures),
            series=len(history.source),
            samples=history.source.samples,
            history_until=history.until_ms or None,
            complete=history.until_ms >= job.end_ms,
            seconds=round(clock.elapsed() - begun, 3),
            comparison=comparison,
        )
    )


def _comparison(compared: Comparison) -> BacktestComparison:
    return BacktestComparison(
        **compared.counts,
        current_notifications=sent_counts(compared.current),
        changed_notifications=sent_counts(compared.changed),
    )


def _states(decisions: Sequence[Decision]) -> dict[Any, int]:
    counts = {"pending": 0, "firing": 0, "resolved": 0, "inactive": 0}
    for decision in decisions:
        counts[decision.transition.state] += 1
    return counts


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _out_of_time(number: int, frame: Any) -> NoReturn:
    raise OutOfTime


def _end_with_input() -> None:
    """Nothing more is said on standard input: its end says that nobody waits for the answer."""
    while os.read(INPUT, 4_096):  # not through sys.stdin, whose lock must be free when the interpreter ends
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
