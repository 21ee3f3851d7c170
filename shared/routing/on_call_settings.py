"""Who is on call, as section `notifications` of `pantau.yaml` says it."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from shared.promql.durations import parse_duration
from shared.routing.calendar_settings import HoursSettings, Zone, minute_of, weekday_of
from shared.routing.duration_field import Between, Duration
from shared.routing.hours import DAY_MINUTES, instant_ms
from shared.routing.on_call import Override, Schedule
from shared.settings import Section

WEEK = timedelta(weeks=1)
_HANDOVER = re.compile(r"(?:([A-Za-z]+)\s+)?(\d{1,2}:\d{2})")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class OverrideSettings(Section):
    """Somebody stands in."""

    person: Name
    """One of `people`."""
    begins: datetime = Field(alias="from")
    """Such as `2026-12-24` or `2026-12-24T18:00`, in the schedule's zone unless it says another."""
    ends: datetime = Field(alias="to")
    """Likewise, exclusive."""

    def override(self, zone: ZoneInfo) -> Override:
        """With instants. ValueError if it ends before it begins."""
        begins, ends = _instant(self.begins, zone), _instant(self.ends, zone)
        if ends <= begins:
            raise ValueError(f"the override by {self.person} ends before it begins")
        return Override(self.person, begins, ends)


class OtherwiseSettings(Section):
    """Who is on call in the hours that are left over: one of the two."""

    person: Name | None = None
    """One of `people`."""
    on_call: Name | None = None
    """Another schedule."""

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.person is None) == (self.on_call is None):
            raise ValueError("exactly one of person and on_call")
        return self


class OnCallSettings(Section):
    """A rotation: people take turns."""

    name: Name
    """As receivers write it."""
    people: Annotated[list[Name], Field(min_length=1, max_length=200)]
    """In the order in which they take turns; names of `people`. Who is there twice has two turns."""
    begins: date = Field(alias="from")
    """The first turn is that which begins on this day or next after it; before, the turns are counted backwards."""
    every: Annotated[Duration, Between("4h", "52w")] = "1w"
    """How long a turn is: `12h`, `1d`, `2w`. Days are the calendar's, also when clocks are changed."""
    handover: Annotated[str, Field(pattern=_HANDOVER)] = "Mon 09:00"
    """When turns begin: `Mon 09:00`; the day only where turns are whole weeks long, else `09:00`."""
    zone: Zone | None = None
    """Whose clocks these are; absent: `wording.zone`."""
    only: Annotated[list[HoursSettings], Field(max_length=20)] = []
    """The hours that the schedule is for; absent: all."""
    otherwise: OtherwiseSettings | None = None
    """Who has the other hours."""
    overrides: Annotated[list[OverrideSettings], Field(max_length=1_000)] = []
    """Who stands in when. Of two at once the later in the list holds."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.only) != (self.otherwise is not None):
            raise ValueError("only and otherwise: both or neither, so that at each instant somebody is on call")
        zone = ZoneInfo(self.zone or "UTC")
        for one in self.overrides:
            one.override(zone)
        self.first()
        return self

    def length(self) -> timedelta:
        """Of a turn."""
        return timedelta(milliseconds=parse_duration(self.every))

    def first(self) -> datetime:
        """The local time at which the first turn begins. ValueError if handover and length don't fit together."""
        match = _HANDOVER.fullmatch(self.handover)
        if match is None:
            raise ValueError(f"handover: {self.handover[:40]!r} is not of the form `Mon 09:00` or `09:00`")
        minute = minute_of(match[2])
        if minute >= DAY_MINUTES:
            raise ValueError("handover: the day begins at 00:00")
        begins = datetime.combine(self.begins, time()) + timedelta(minutes=minute)
        weekday, whole_weeks = match[1], not self.length() % WEEK
        if weekday and not whole_weeks and "handover" in self.model_fields_set:
            raise ValueError(f"handover: on a {weekday} only turns begin that are whole weeks long; write {match[2]}")
        if weekday and whole_weeks:
            begins += timedelta(days=(weekday_of(weekday) - begins.weekday()) % 7)
        return begins

    def names(self) -> list[str]:
        """All who are named."""
        stand_in = [self.otherwise.person] if self.otherwise and self.otherwise.person else []
        return [*self.people, *(one.person for one in self.overrides), *stand_in]


def schedules_of(on_call: Sequence[OnCallSettings], zone: str) -> dict[str, Schedule]:
    """The schedules by name; `zone` is everybody's. ValueError if one leads to itself, or to none."""
    chosen = {one.name: one for one in on_call}
    return {name: _schedule(name, chosen, zone, ()) for name in chosen}


def _schedule(name: str, chosen: Mapping[str, OnCallSettings], zone: str, path: tuple[str, ...]) -> Schedule:
    if name in path:
        raise ValueError(f"on_call: {' -> '.join((*path, name))} leads back to itself")
    one = chosen[name]
    own_zone = ZoneInfo(one.zone or zone)
    otherwise: Schedule | str | None = None
    if one.otherwise is not None and one.otherwise.on_call is not None:
        if one.otherwise.on_call not in chosen:
            raise ValueError(f"on_call {name}: otherwise: there is no schedule {one.otherwise.on_call}")
        otherwise = _schedule(one.otherwise.on_call, chosen, zone, (*path, name))
    elif one.otherwise is not None:
        otherwise = one.otherwise.person
    return Schedule(
        name=name,
        zone=own_zone,
        first=one.first(),
        every=one.length(),
        people=tuple(one.people),
        overrides=tuple(override.override(own_zone) for override in one.overrides),
        only=tuple(hours.hours() for hours in one.only),
        otherwise=otherwise,
    )


def _instant(moment: datetime, zone: ZoneInfo) -> int:
    return instant_ms(moment, zone) if moment.tzinfo is None else round(moment.timestamp() * 1000)
