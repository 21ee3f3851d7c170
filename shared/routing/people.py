"""Persons who are told, and when they are not to be disturbed."""

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from shared.routing.hours import Hours, hours_until_ms

Language = Literal["id", "en"]


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours in which a person is told only of what is excepted."""

    hours: Hours
    excepted: frozenset[str] = frozenset()
    """Severities that are told nevertheless."""


@dataclass(frozen=True, slots=True)
class Person:
    """How somebody is reached; None: not this way."""

    name: str
    zone: ZoneInfo
    language: Language
    whatsapp: str | None = None
    """Digits, the country's code first."""
    email: str | None = None
    telegram: str | None = None
    """The chat's id, or `@name` of a channel."""
    quiet_hours: tuple[QuietHours, ...] = ()
    """In `zone`."""


@dataclass(frozen=True, slots=True)
class To:
    """Whom a receiver tells: one of these is given."""

    person: str | None = None
    on_call: str | None = None
    """Whoever has the turn in this schedule at the time."""
    admins: bool = False
    """The application's administrators."""
    number: str | None = None
    """A WhatsApp number, or a group's id."""


def quiet_until_ms(person: Person, severity: str, now_ms: int) -> int | None:
    """Until when `person` is not to be told of alerts of `severity`; None if now."""
    hours = [quiet.hours for quiet in person.quiet_hours if severity not in quiet.excepted]
    return hours_until_ms(hours, person.zone, now_ms)
