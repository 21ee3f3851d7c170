"""`pantau.silences`: what is muted, by whom and why. Silences and acknowledgements need only the bus."""

from typing import Annotated, Literal

from pydantic import Field

from shared.messages.message import Instant, Message


class Matcher(Message):
    """A label matcher in Alertmanager's sense."""

    name: str
    value: str
    operator: Literal["=", "!=", "=~", "!~"] = "="


class TimeRange(Message):
    """A time of the day, `HH:MM` to `HH:MM`; the end is excluded and may be 24:00."""

    start_time: str
    end_time: str


class Window(Message):
    """When a silence recurs: Alertmanager's time interval, and `dates`. What is given restricts."""

    times: list[TimeRange] | None = None
    weekdays: list[str] | None = None
    """`monday`, or `monday:friday`."""
    days_of_month: list[str] | None = None
    """`1`, `10:20`; from the month's end: `-1`, `-3:-1`."""
    months: list[str] | None = None
    years: list[str] | None = None
    dates: list[str] | None = None
    """`YYYY-MM-DD`, or `YYYY-MM-DD:YYYY-MM-DD`."""
    location: str = "UTC"
    """The time zone."""


class Silence(Message):
    """Mutes alerts that all matchers match, from `starts_at` to `ends_at`; keyed by id. Who ends it early
    sets `ends_at`; a tombstone forgets it, long after. An acknowledgement is about one alert and mutes its repeats and
    escalation."""

    id: str
    kind: Literal["silence", "acknowledgement"]
    matchers: Annotated[list[Matcher], Field(min_length=1, max_length=64)]
    alert_id: str | None = None
    """For an acknowledgement: the alert it is about."""
    episode: Instant | None = None
    """For an acknowledgement: the episode of the alert; without one, any."""
    windows: Annotated[list[Window], Field(max_length=50)] = []
    """It recurs: between `starts_at` and `ends_at` it mutes in these times only."""
    starts_at: Instant
    ends_at: Instant
    created_by: str
    created_at: Instant
    updated_at: Instant | None = None
    """When it was last changed; absent: never."""
    version: Annotated[int, Field(ge=1)] = 1
    """Rises with each change."""
    comment: str
