"""Who is on call: people who take turns by the calendar, with exceptions. At each instant it is exactly one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Union
from zoneinfo import ZoneInfo

from shared.routing.hours import Hours, hours_until_ms, instant_ms, local_time, next_edge_ms


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody stands in, from one instant up to another, exclusive."""

    person: str
    begins_ms: int
    ends_ms: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rotation: `people` take turns of the length `every`, endlessly in both directions."""

    name: str
    zone: ZoneInfo
    first: datetime
    """A local time at which the first of `people` takes over; without a zone."""
    every: timedelta
    """By the local calendar: a day is a day also when clocks are changed."""
    people: tuple[str, ...]
    """At least one."""
    overrides: tuple[Override, ...] = ()
    """Of two at once the later in the list holds."""
    only: tuple[Hours, ...] = ()
    """The hours that it is for; empty: all."""
    otherwise: Union["Schedule", str, None] = None
    """Who has the other hours: a schedule or a person. There is one if `only` is not empty."""


def on_call_at(schedule: Schedule, now_ms: int) -> str:
    """The name of the person."""
    for override in reversed(schedule.overrides):
        if override.begins_ms <= now_ms < override.ends_ms:
            return override.person
    if schedule.only and hours_until_ms(schedule.only, schedule.zone, now_ms) is None:
        other = schedule.otherwise
        return on_call_at(other, now_ms) if isinstance(other, Schedule) else str(other)
    return schedule.people[_turn(schedule, now_ms) % len(schedule.people)]


def next_handover(schedule: Schedule, now_ms: int, horizon_ms: int) -> tuple[int, str] | None:
    """When the next person takes over, and who; None if that is not before `horizon_ms`."""
    present, at_ms = on_call_at(schedule, now_ms), now_ms
    while (edge := min(_edges(schedule, at_ms), default=horizon_ms)) < horizon_ms:
        if (person := on_call_at(schedule, edge)) != present:
            return edge, person
        at_ms = edge
    return None


def _turn(schedule: Schedule, now_ms: int) -> int:
    """The number of the turn that holds the instant; 0 is that which begins at `first`."""
    number = (local_time(now_ms, schedule.zone) - schedule.first) // schedule.every
    # A handover that falls into hours that clocks skip or repeat is not where their plain difference has it.
    while _begins_ms(schedule, number) > now_ms:
        number -= 1
    while _begins_ms(schedule, number + 1) <= now_ms:
        number += 1
    return number


def _begins_ms(schedule: Schedule, turn: int) -> int:
    return instant_ms(schedule.first + turn * schedule.every, schedule.zone)


def _edges(schedule: Schedule, now_ms: int) -> Iterator[int]:
    """Instants after `now_ms` at which somebody else may be on call, the nearest among them."""
    yield _begins_ms(schedule, _turn(schedule, now_ms) + 1)
    for override in schedule.overrides:
        yield from (edge for edge in (override.begins_ms, override.ends_ms) if edge > now_ms)
    if (edge := next_edge_ms(schedule.only, schedule.zone, now_ms)) is not None:
        yield edge
    if isinstance(schedule.otherwise, Schedule):
        yield from _edges(schedule.otherwise, now_ms)
