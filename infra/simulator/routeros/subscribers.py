"""Subscribers who come and go by time of day: when one is online follows from the seed alone."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal, NamedTuple

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# The provider's clock: Western Indonesian Time.
LOCAL_OFFSET_MS = 7 * HOUR_MS

Service = Literal["pppoe", "hotspot"]
Habit = Literal["home", "evening", "visitor"]

# When visitors of a hotspot come: (from hour, to hour, how many of them do).
VISITS = ((6.0, 11.0, 0.25), (11.0, 17.0, 0.35), (17.0, 23.0, 0.7))


class Subscriber(NamedTuple):
    """A customer of one router."""

    seed: str
    name: str
    number: int
    """Counts from 0 among the router's subscribers of this service."""
    service: Service
    server: str
    """The PPPoE server or hotspot that is dialled."""
    profile: str
    habit: Habit


class Session(NamedTuple):
    """A subscriber who is online."""

    subscriber: Subscriber
    since_ms: int


def chance(*parts: object) -> float:
    """A number in [0, 1) that follows from `parts`."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=7).digest(), "big") / (1 << 56)


class Presence(NamedTuple):
    """Whether a subscriber is online, from `begin_ms` on until before `end_ms`."""

    begin_ms: int
    end_ms: int
    since_ms: int | None
    """Since when the session lasts; None if there is none."""


def presence(subscriber: Subscriber, at_ms: int) -> Presence:
    """Whether the subscriber is online at `at_ms`, and for how long that stays so at least."""
    next_day = (at_ms + LOCAL_OFFSET_MS) // DAY_MS * DAY_MS - LOCAL_OFFSET_MS + DAY_MS
    begins = next_day
    for start, stop in _sessions_around(subscriber, at_ms):
        if start <= at_ms < stop:
            return Presence(start, stop, start)
        if start > at_ms:
            begins = min(begins, start)
    return Presence(at_ms, begins, None)


def reconnects_after_ms(subscriber: Subscriber) -> int:
    """How long the subscriber's modem needs to be back after it was thrown out."""
    return round(10_000 + 80_000 * chance(subscriber.seed, subscriber.name, "reconnect"))


def _sessions_around(subscriber: Subscriber, at_ms: int) -> Iterator[tuple[int, int]]:
    seed, name = subscriber.seed, subscriber.name
    if subscriber.habit == "home":
        # Always there, but for one reconnect a day, each at an hour of its own.
        phase = round(DAY_MS * chance(seed, name, "phase"))
        cycle = (at_ms - phase) // DAY_MS
        gap = round(15_000 + 60_000 * chance(seed, name, "gap", cycle))
        yield cycle * DAY_MS + phase + gap, (cycle + 1) * DAY_MS + phase
        return
    today = (at_ms + LOCAL_OFFSET_MS) // DAY_MS
    for day in (today - 1, today):
        midnight = day * DAY_MS - LOCAL_OFFSET_MS
        if subscriber.habit == "evening":
            start = midnight + round(HOUR_MS * (15 + 4 * chance(seed, name, "start", day)))
            yield start, start + round(HOUR_MS * (3 + 4 * chance(seed, name, "length", day)))
            continue
        for visit, (earliest, latest, share) in enumerate(VISITS):
            if chance(seed, name, "visits", day, visit) < share:
                hour = earliest + (latest - earliest) * chance(seed, name, "start", day, visit)
                length = 0.25 + 2.25 * chance(seed, name, "length", day, visit)
                yield midnight + round(HOUR_MS * hour), midnight + round(HOUR_MS * (hour + length))
