"""Who can be told: `people`, `on_call` and the `to` of receivers in section `notifications` of `pantau.yaml`."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shared.messages.alerts import SEVERITIES, Severity
from shared.routing.calendar_settings import HoursSettings, Zone
from shared.routing.hours import DAY_MINUTES, Hours
from shared.routing.numbers import whatsapp_address, whatsapp_number
from shared.routing.on_call import Schedule
from shared.routing.on_call_settings import Name, OnCallSettings, schedules_of
from shared.routing.people import Language, Person, QuietHours, To
from shared.settings import Section


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Written = BeforeValidator(_as_text)  # YAML reads digits as a number
Number = Annotated[str, Written, AfterValidator(whatsapp_number)]
Address = Annotated[str, Written, AfterValidator(whatsapp_address)]
Chat = Annotated[str, Written, Field(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})$")]
Mail = Annotated[str, Field(pattern=r"^[^@\s<>,;]{1,64}@[^@\s<>,;]{1,255}$")]


class QuietHoursSettings(HoursSettings):
    """Hours in which a person is not told; what still holds at their end is told then."""

    excepted: list[Severity] = Field(default=[], alias="except")
    """Severities that are told nevertheless."""


class PersonSettings(Section):
    """Somebody who can be told."""

    name: Name
    """As receivers and schedules write it, and as it is part of what was sent to whom."""
    whatsapp: Number | None = None
    """The number with the country's code, such as `6281200000000`."""
    email: Mail | None = None
    """The address."""
    telegram: Chat | None = None
    """The id of the chat with our bot."""
    language: Language | None = None
    """Of the messages; absent: `wording.language`."""
    zone: Zone | None = None
    """For times in messages and quiet hours; absent: `wording.zone`."""
    quiet_hours: Annotated[list[QuietHoursSettings], Field(max_length=20)] = []
    """When not to be told."""

    @model_validator(mode="after")
    def _is_told_at_times(self) -> Self:
        for severity in SEVERITIES:
            quiet = [one.hours() for one in self.quiet_hours if severity not in one.excepted]
            if _fill_the_week(quiet):
                raise ValueError(
                    f"the quiet hours leave no time at which {self.name} could be told of {severity} alerts"
                )
        return self

    def person(self, zone: str, language: Language) -> Person:
        """The person; `zone` and `language` are those of everybody."""
        return Person(
            name=self.name,
            zone=ZoneInfo(self.zone or zone),
            language=self.language or language,
            whatsapp=self.whatsapp,
            email=self.email,
            telegram=self.telegram,
            quiet_hours=tuple(QuietHours(one.hours(), frozenset(one.excepted)) for one in self.quiet_hours),
        )


class PeopleSettings(Section):
    """The people, and who of them is on call."""

    people: Annotated[list[PersonSettings], Field(max_length=10_000)] = []
    """Who can be told, beside the application's administrators."""
    on_call: Annotated[list[OnCallSettings], Field(max_length=200)] = []
    """Who takes turns."""
    admins: dict[str, Any] = {}
    """Where the application's administrators are read; the collector alone reads it further."""

    @model_validator(mode="after")
    def _people_are_there(self) -> Self:
        _unique("people", [one.name for one in self.people])
        _unique("on_call", [one.name for one in self.on_call])
        known = {one.name for one in self.people}
        for one in self.on_call:
            if unknown := [name for name in one.names() if name not in known]:
                raise ValueError(f"on_call {one.name}: there is no {', '.join(dict.fromkeys(unknown))} among people")
        self.schedules("UTC")
        return self

    def directory(self, zone: str, language: Language) -> dict[str, Person]:
        """The people by name; `zone` and `language` are those of everybody."""
        return {one.name: one.person(zone, language) for one in self.people}

    def schedules(self, zone: str) -> dict[str, Schedule]:
        """The schedules by name. ValueError if one leads to itself, or to none."""
        return schedules_of(self.on_call, zone)


class ToSettings(Section):
    """Whom a receiver tells: exactly one of these."""

    person: Name | None = None
    """One of `people`."""
    on_call: Name | None = None
    """Who is on call in this schedule at the time."""
    admins: Literal[True] | None = None
    """The application's administrators."""
    number: Address | None = None
    """A WhatsApp number with the country's code, or a group such as `120363000000000000@g.us`."""

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if sum(one is not None for one in (self.person, self.on_call, self.admins, self.number)) != 1:
            raise ValueError("exactly one of person, on_call, admins and number")
        return self

    def to(self) -> To:
        """The same as the core has it."""
        return To(self.person, self.on_call, bool(self.admins), self.number)


def _fill_the_week(hours: Iterable[Hours]) -> bool:
    covered = bytearray(7 * DAY_MINUTES)
    for one in hours:
        for day in one.weekdays:
            begins = day * DAY_MINUTES + one.begins_minute
            for minute in range(begins, begins + one.length_minutes):
                covered[minute % len(covered)] = 1
    return all(covered)


def _unique(what: str, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{what}: two are called {', '.join(twice)}")
