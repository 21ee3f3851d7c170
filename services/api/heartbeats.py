"""Jobs that report when they have run: who may, and what they said on the bus before they are answered."""

import asyncio
import hmac

from prometheus_client import Counter

from services.api.access import CHALLENGE
from services.api.core.bodies import HeartbeatBody, HeartbeatsBody
from services.api.core.heartbeats import Board, Job, Kind
from services.api.heartbeat_history import recall
from services.api.heartbeat_settings import HeartbeatsSettings
from services.api.problems import Problem
from services.api.reporting import Reporter
from shared import clock
from shared.bus import Producer
from shared.database import Database

REFUSED = Counter("pantau_api_heartbeats_refused_total", "Reports of jobs that were not taken, by reason", ["reason"])
# Compared with where there is no key, so that it takes as long.
NOBODYS = "-" * 32


class Heartbeats:
    """The jobs of the section `heartbeats`."""

    def __init__(
        self, settings: HeartbeatsSettings, producer: Producer, instance: str, deadline_seconds: float
    ) -> None:
        self._settings = {one.name: one for one in settings.jobs}
        self.board = Board(
            (Job(one.name, one.interval_seconds, one.grace_seconds, one.longest_run_seconds) for one in settings.jobs),
            instance,
        )
        self.reporter = Reporter("heartbeats", producer, instance, self.board.samples, deadline_seconds)

    async def run(self, learnt: asyncio.Event, database: Database) -> None:
        """Tell what is known regularly, from `learnt` on: what was told lately has been read from the bus by then. What
        was told before that, history may know."""
        await learnt.wait()
        for told in await recall(database, list(self._settings), clock.now_ms()):
            self.board.recall(told)
        self.board.watch(clock.now_ms())
        await self.reporter.run()

    def check_key(self, name: str, key: str) -> None:
        """Problem 401 unless it is the job's key; which jobs there are is not told."""
        job = self._settings.get(name)
        try:
            wanted = job.secret() if job is not None else None
        except ValueError:  # its file is gone since the start
            wanted = None
        same = hmac.compare_digest(key.encode(errors="surrogateescape"), (wanted or NOBODYS).encode())
        if not same or wanted is None:
            REFUSED.labels("key").inc()
            raise Problem(401, "No heartbeat of that name has that key.", headers=CHALLENGE)

    async def report(self, name: str, kind: Kind, duration: float | None) -> None:
        """Return once it is on the bus. Problem 404 if there is no such job; BusUnavailable: it may be sent again."""
        if name not in self.board.jobs:
            REFUSED.labels("unknown").inc()
            raise Problem(404, f"There is no heartbeat {name!r}; the section heartbeats of pantau.yaml names them.")
        self.board.report(name, kind, clock.now_ms(), duration)
        await self.reporter.report(name)

    def body(self) -> HeartbeatsBody:
        """What is known of each job."""
        now_ms = clock.now_ms()
        return HeartbeatsBody(
            heartbeats=[
                HeartbeatBody(
                    name=name,
                    interval_seconds=job.interval,
                    grace_seconds=job.grace,
                    late=known.late(job, now_ms),
                    last_success=known.success_ms,
                    last_failure=known.failure_ms,
                    last_start=known.start_ms,
                    duration_seconds=known.duration,
                    watched_since=known.since_ms,
                )
                for name, job in self.board.jobs.items()
                for known in (self.board.known[name],)
            ],
            timestamp=now_ms,
        )
