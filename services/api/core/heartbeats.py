"""What jobs report of themselves, and what is known of each: last start, success and failure.

Every api tells what it knows as samples, with its own `instance`, and learns from those of the others and of its own
past: so it knows after a restart, and two apis agree, without any other store.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from shared.messages.samples import Sample, SampleBatch
from shared.messages.series import NAME, labels_of
from shared.metrics import Metric

Kind = Literal["start", "success", "fail"]
KINDS: tuple[Kind, ...] = ("start", "success", "fail")

_JOB = ("heartbeat", "instance")


def _instant(name: str, text: str) -> Metric:
    return Metric(name, "gauge", "seconds", f"{text}, since the epoch", _JOB)


SUCCESS = _instant("heartbeat_last_success_timestamp_seconds", "When the job last succeeded")
FAILURE = _instant("heartbeat_last_failure_timestamp_seconds", "When the job last said that it failed")
START = _instant("heartbeat_last_start_timestamp_seconds", "When the job last said that it starts")
SINCE = _instant("heartbeat_watched_since_timestamp_seconds", "Since when the job is waited for")
DURATION = Metric("heartbeat_duration_seconds", "gauge", "seconds", "How long the job's last run took", _JOB)
INTERVAL = Metric(
    "heartbeat_interval_seconds", "gauge", "seconds", "How often the job is to succeed, from the settings", _JOB
)
GRACE = Metric("heartbeat_grace_seconds", "gauge", "seconds", "How much later it may be, from the settings", _JOB)
LONGEST_RUN = Metric(
    "heartbeat_longest_run_seconds", "gauge", "seconds", "For how long it may run, from the settings", _JOB
)
REPORTS = Metric(
    "heartbeat_reports_total", "counter", "", "What the job reported: start, success, fail", (*_JOB, "kind")
)
METRICS = (SUCCESS, FAILURE, START, SINCE, DURATION, INTERVAL, GRACE, LONGEST_RUN, REPORTS)

RECALLED = (SUCCESS, FAILURE, START, SINCE, DURATION)
"""What is worth knowing after a pause."""

SOURCE_PREFIX = "api/"
PREFIX = "heartbeat_"


class Job(NamedTuple):
    """A job as the settings have it, in seconds."""

    name: str
    interval: float
    grace: float
    longest_run: float | None = None


class Recalled(NamedTuple):
    """Something that an api told once, and when."""

    heartbeat: str
    metric: str
    value: float
    told_ms: int


@dataclass
class Known:
    """What is known of a job, in ms since the epoch."""

    success_ms: int | None = None
    failure_ms: int | None = None
    start_ms: int | None = None
    since_ms: int | None = None
    duration: float | None = None
    """Of its last run, in seconds."""
    duration_told_ms: int = 0
    reports: Counter[Kind] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))

    def late(self, job: Job, now_ms: int) -> bool:
        """Whether it should have succeeded by now; the rule `heartbeat_late` says the same."""
        last_ms = self.since_ms if self.success_ms is None else self.success_ms
        return last_ms is not None and now_ms - last_ms > 1000 * (job.interval + job.grace)


class Board:
    """The jobs of one api."""

    def __init__(self, jobs: Iterable[Job], instance: str) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.known = {name: Known() for name in self.jobs}
        self._instance = instance
        self._watching = False

    def report(self, name: str, kind: Kind, now_ms: int, duration: float | None = None) -> None:
        """The job said so just now. `duration`: of the run in seconds, if it says; else it is since its start.
        KeyError if there is no such job."""
        known = self.known[name]
        known.reports[kind] += 1
        if kind == "start":
            known.start_ms = now_ms
            return
        if duration is not None:
            known.duration = duration
        elif known.start_ms is not None and known.start_ms > max(known.success_ms or 0, known.failure_ms or 0):
            known.duration = (now_ms - known.start_ms) / 1000
        known.duration_told_ms = now_ms
        if kind == "success":
            known.success_ms = now_ms
        else:
            known.failure_ms = now_ms

    def learn(self, batch: SampleBatch) -> None:
        """Take what an api told, perhaps this one before it was restarted."""
        if self._watching and batch.source == f"{SOURCE_PREFIX}{self._instance}":
            return  # what it has just said itself
        if not batch.source.startswith(SOURCE_PREFIX) or not any(key.startswith(PREFIX) for key in batch.series):
            return
        index, times, values = batch.columns()
        for position, told_ms, value in zip(index.tolist(), times.tolist(), values.tolist(), strict=True):
            if batch.series[position].startswith(PREFIX):
                labels = labels_of(batch.series[position])
                self.recall(Recalled(labels.get("heartbeat", ""), labels[NAME], value, told_ms))

    def recall(self, told: Recalled) -> None:
        """Take something that an api told once; what is known better is not forgotten for it."""
        known = self.known.get(told.heartbeat)
        if known is not None and math.isfinite(told.value):
            _learn(known, told.metric, told.value, told.told_ms)

    def watch(self, now_ms: int) -> None:
        """All that could be learnt has been: what nobody was waiting for yet is waited for from now on."""
        self._watching = True
        for known in self.known.values():
            known.since_ms = now_ms if known.since_ms is None else known.since_ms

    def samples(self, now_ms: int, names: Collection[str] | None = None) -> list[Sample]:
        """All that is known, of those jobs only if they are named."""
        made: list[Sample] = []
        for name in self.jobs if names is None else names:
            job = self.jobs[name]
            labels, known = {"heartbeat": name, "instance": self._instance}, self.known[name]
            told = (
                *((SUCCESS, _seconds(known.success_ms)), (FAILURE, _seconds(known.failure_ms))),
                *((START, _seconds(known.start_ms)), (SINCE, _seconds(known.since_ms)), (DURATION, known.duration)),
                *((INTERVAL, job.interval), (GRACE, job.grace), (LONGEST_RUN, job.longest_run)),
            )
            made += [metric.sample(now_ms, value, **labels) for metric, value in told if value is not None]
            made += [REPORTS.sample(now_ms, known.reports[kind], kind=kind, **labels) for kind in KINDS]
        return made


def _learn(known: Known, metric: str, value: float, told_ms: int) -> None:
    at_ms = round(value * 1000)
    if metric == SUCCESS.name:
        known.success_ms = max(at_ms, known.success_ms or 0)
    elif metric == FAILURE.name:
        known.failure_ms = max(at_ms, known.failure_ms or 0)
    elif metric == START.name:
        known.start_ms = max(at_ms, known.start_ms or 0)
    elif metric == SINCE.name:
        known.since_ms = at_ms if known.since_ms is None else min(at_ms, known.since_ms)
    elif metric == DURATION.name and told_ms > known.duration_told_ms:
        known.duration, known.duration_told_ms = value, told_ms


def _seconds(at_ms: int | None) -> float | None:
    return None if at_ms is None else at_ms / 1000
