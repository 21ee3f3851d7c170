"""The background thread: reads metrics, packs what was gathered, pushes it, and keeps it within bounds meanwhile."""

import http.client
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from pantau import clock
from pantau.parcels import KEPT_MS, MOST_PER_PARCEL, Parcel, Waiting, What, halves, packed, without
from pantau.readings import Sample, read
from pantau.requests import Entry
from pantau.settings import Settings
from pantau.shelf import Shelf
from pantau.telemetry import Telemetry
from pantau.transport import Transport
from pantau.verdicts import Again, Halved, Refused, Taken, Without, backoff_seconds, verdict

LOOK_SECONDS = 2.0
"""How often request logs and single samples are fetched."""
ROUND_SECONDS = 5.0
"""After so long a stretch of sending, what was gathered meanwhile is fetched."""


class Delivery:
    """`entries` and `samples` take what is to be sent, from any thread, without waiting."""

    def __init__(
        self,
        settings: Settings,
        registries: Callable[[], Iterable[CollectorRegistry]],
        labels: Callable[[], Mapping[str, str]],
        telemetry: Telemetry,
    ) -> None:
        self._settings, self._registries, self._labels, self._telemetry = settings, registries, labels, telemetry
        self._transport = Transport(settings)
        self._thread: threading.Thread | None = None
        self._quiet = threading.Lock()
        self._held = False
        self._begin()

    def _begin(self) -> None:
        most = self._settings.most_waiting_requests
        self._wake = threading.Event()
        self._stopping = False
        self._flush_until = 0.0
        self.entries: Shelf[Entry] = Shelf(most, MOST_PER_PARCEL, self._wake.set)
        self.samples: Shelf[Sample] = Shelf(most, MOST_PER_PARCEL, self._wake.set)
        self._waiting = Waiting(self._settings.most_waiting_bytes)
        self._failures = 0

    def start(self) -> None:
        """Begin to push; once is enough."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping = False
            self._thread = threading.Thread(target=self._run, name="pantau", daemon=True)
            self._thread.start()

    def close(self, seconds: float) -> None:
        """Send a last reading and what waits, for at most `seconds`; what is left then is lost."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        self._flush_until = clock.elapsed() + seconds
        self._stopping = True
        self._wake.set()
        thread.join(seconds)
        self._thread = None

    def before_fork(self) -> None:
        """Let no fork happen while the thread holds a metric's lock, which the child could never release."""
        self._held = self._quiet.acquire(timeout=1.0)

    def after_fork_in_parent(self) -> None:
        """The thread may go on."""
        if self._held:  # else it was not to be had within that second
            self._held = False
            self._quiet.release()

    def after_fork_in_child(self) -> None:
        """What waits is the parent's to send; the child has a thread and a connection of its own."""
        started = self._thread is not None
        self._quiet, self._held = threading.Lock(), False
        self._thread = None
        self._transport = Transport(self._settings)
        self._begin()
        if started:
            self.start()

    def _run(self) -> None:
        reading_at = attempt_at = clock.elapsed() + min(LOOK_SECONDS, self._settings.push_seconds)
        while not self._stopping:
            now = clock.elapsed()
            due = now >= reading_at
            if due:
                reading_at = max(reading_at + self._settings.push_seconds, now)
            try:
                self._gather(reading=due)
                if now >= attempt_at:
                    attempt_at = clock.elapsed() + self._deliver(now + ROUND_SECONDS)
            except Exception as error:  # noqa: BLE001  (the thread must outlive whatever a collector or a proxy does)
                self._failed(error)
                attempt_at = now + LOOK_SECONDS
            now = clock.elapsed()
            until = min(reading_at, now + LOOK_SECONDS, attempt_at if len(self._waiting) else reading_at)
            self._wake.wait(max(until - now, 0.01))
            self._wake.clear()
        self._finish()

    def _finish(self) -> None:
        try:
            self._gather(reading=True)
            self._failures = 0
            while len(self._waiting) and not self._failures and clock.elapsed() < self._flush_until:
                self._deliver(self._flush_until)
            for what, count in self._left().items():
                self._dropped(what, "closed", count)
        except Exception as error:  # noqa: BLE001  (the application is about to end; nothing may hinder it)
            self._failed(error)
        finally:
            self._transport.close()

    def _gather(self, *, reading: bool) -> None:
        """Pack what the application left, and with `reading` what the registries hold."""
        source = self._settings.service
        for shelf, what in ((self.entries, "requests"), (self.samples, "samples")):
            shelf_what: What = "requests" if what == "requests" else "samples"
            items, lost = shelf.clear()
            if lost:
                self._dropped(shelf_what, "queue_full", lost)
            self._put(packed(shelf_what, [_plain(item) for item in items], source))
        if not reading:
            return
        labels, now_ms = self._labels(), clock.now_ms()
        found: list[Sample] = []
        try:
            with self._quiet:
                for _, samples in read(self._registries(), labels, now_ms):
                    found += samples
        except Exception as error:  # noqa: BLE001  (a collector is the application's; what was read is sent)
            self._failed(error)
        self._put(packed("samples", found, source))

    def _put(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            for given_up in self._waiting.put(parcel):
                self._dropped(given_up.what, "waiting_full", given_up.count)
        with self._quiet:
            self._telemetry.waiting.set(self._waiting.bytes)

    def _deliver(self, until: float) -> float:
        """Push what waits, oldest first; seconds to wait before the next attempt."""
        while (parcel := self._waiting.first()) is not None and clock.elapsed() < until:
            if parcel.latest_ms < clock.now_ms() - KEPT_MS:
                self._waiting.take()
                self._dropped(parcel.what, "too_old", parcel.count)
                continue
            wait = self._settle(parcel)
            if wait is not None:
                return wait
        return 0.0

    def _settle(self, parcel: Parcel) -> float | None:
        """Push the oldest parcel and do with it what the answer means; seconds to wait if it failed."""
        try:
            found = verdict(*self._transport.send(parcel), parcel.count, parcel.failures)
        except (OSError, http.client.HTTPException) as error:
            found = Again(f"{type(error).__name__}: {error}"[:200])
        if isinstance(found, Again):
            self._failures += 1
            if found.blamed:
                self._waiting.replace(replace(parcel, failures=parcel.failures + 1))
            with self._quiet:
                self._telemetry.away(found.reason, self._waiting.bytes)
            longest = backoff_seconds(self._failures, random.random())  # noqa: S311  (spreads, guards nothing)
            return longest if found.seconds is None else max(found.seconds, longest)
        self._failures = 0
        with self._quiet:
            self._telemetry.back()
            if isinstance(found, Taken):
                self._telemetry.sent.labels(parcel.what).inc(parcel.count)
        match found:
            case Taken():
                self._waiting.take()
            case Without(places, reason):
                rest = without(parcel, places)
                self._waiting.replace(*([rest] if rest else []))
                self._dropped(parcel.what, "refused", len(places), reason)
            case Halved():
                self._waiting.replace(*halves(parcel))
            case Refused(reason):
                self._waiting.take()
                self._dropped(parcel.what, "refused", parcel.count, reason)
        with self._quiet:
            self._telemetry.waiting.set(self._waiting.bytes)
        return None

    def _left(self) -> dict[What, int]:
        left: dict[What, int] = {}
        while len(self._waiting):
            parcel = self._waiting.take()
            left[parcel.what] = left.get(parcel.what, 0) + parcel.count
        return left

    def _dropped(self, what: What, reason: str, count: int, detail: str = "") -> None:
        with self._quiet:
            self._telemetry.dropped(what, reason, count, detail)

    def _failed(self, error: Exception) -> None:
        with self._quiet:
            self._telemetry.failed("push", error)


def _plain(item: Entry | Sample) -> dict[str, Any]:
    if isinstance(item, dict):
        return item
    return {name: value for name, value in item._asdict().items() if value is not None}
