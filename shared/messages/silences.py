"""`pantau.silences`: what is muted, by whom and why. Silences and acknowledgements need only the bus."""

from typing import Annotated, Literal

from pydantic import Field

from shared.messages.message import Instant, Message

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]


class Matcher(Message):
    """A label matcher in Alertmanager's sense."""

    name: str
    value: str
    operator: Literal["=", "!=", "=~", "!~"] = "="


class WeeklyWindow(Message):
    """A part of some days of the week."""

    weekdays: list[Weekday] = []
    """The days on which it begins; empty: every day."""
    start: TimeOfDay
    end: TimeOfDay
    """Exclusive; not after `start`: it ends on the next day."""


class Recurrence(Message):
    """A silence that mutes only within these windows, for as long as it lasts."""

    zone: str
    """The time zone of the windows, as the IANA database names it, e.g. `Asia/Jakarta`."""
    windows: Annotated[list[WeeklyWindow], Field(min_length=1, max_length=32)]


class Silence(Message):
    """Mutes alerts that all matchers match, from `starts_at` to `ends_at`; keyed by id.

    Who ends it early sets `ends_at`; a tombstone forgets it long after.
    """

    id: str
    kind: Literal["silence", "acknowledgement"]
    matchers: Annotated[list[Matcher], Field(min_length=1, max_length=64)]
    alert_id: str | None = None
    """For an acknowledgement: the alert it is about."""
    episode: Instant | None = None
    """For an acknowledgement: the episode it is about; it means nothing for the alert's next one."""
    starts_at: Instant
    ends_at: Instant
    created_by: str
    created_at: Instant
    updated_at: Instant | None = None
    """When it was last changed; absent: never."""
    comment: str
    recurrence: Recurrence | None = None
    """Absent: it mutes all the time from its start to its end."""
