"""Silences and acknowledgements as they go over HTTP."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from services.api.core.bodies import AlertBody, Body, MuteBody
from shared.messages.message import Instant
from shared.messages.silences import Matcher, Silence, Window
from shared.routing.interval_reading import RANGES, span
from shared.routing.matchers import Matcher as LabelMatcher
from shared.routing.matchers import checked

SilenceState = Literal["active", "pending", "expired"]
Kind = Literal["silence", "acknowledgement"]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
NO_CONTROL = r"^[^\x00-\x1f\x7f]+$"
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Texts = Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=50)]
MOST_MATCHERS = 64


class Request(BaseModel):
    """Base of what is sent: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class MatcherRequest(Request):
    """A label matcher; a label that is missing counts as empty."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_CONTROL)]
    operator: Literal["=", "!=", "=~", "!~"] = "="
    value: Annotated[Text, Field(max_length=1_000)]
    """With `=~` and `!~` a regular expression (RE2) of the whole value"""

    @model_validator(mode="after")
    def _can_be_read(self) -> "MatcherRequest":
        self.matcher()
        return self

    def matcher(self) -> LabelMatcher:
        """What matches labels. ValueError if its expression can't be read."""
        return checked(self.name, self.operator, self.value)

    def message(self) -> Matcher:
        """As it goes on the bus."""
        return Matcher(name=self.name, operator=self.operator, value=self.value)


Matchers = Annotated[list[MatcherRequest], Field(min_length=1, max_length=MOST_MATCHERS)]


class TimesRequest(Request):
    """`HH:MM` to `HH:MM`, the end excluded; what goes over midnight is two: until 24:00, and from 00:00."""

    start_time: TimeOfDay
    end_time: TimeOfDay


class WindowRequest(Request):
    """When it recurs: Alertmanager's time interval, and `dates`. What is given restricts."""

    times: Annotated[list[TimesRequest], Field(min_length=1, max_length=20)] | None = None
    weekdays: Texts | None = None
    """`monday`, or `monday:friday`"""
    days_of_month: Texts | None = None
    """`1`, `10:20`; from the month's end: `-1`, `-3:-1`"""
    months: Texts | None = None
    years: Texts | None = None
    dates: Texts | None = None
    """`2026-12-25`, or `2026-12-24:2026-12-26`"""
    location: Annotated[str, Field(min_length=1, max_length=64, pattern=NO_CONTROL)] = "UTC"
    """The time zone, as the IANA database names it, e.g. `Asia/Jakarta`"""

    @model_validator(mode="after")
    def _can_be_read(self) -> "WindowRequest":
        given = self.model_dump(include=set(RANGES), exclude_none=True)
        times = None if self.times is None else [(one.start_time, one.end_time) for one in self.times]
        span(times, self.location, given)
        return self

    def message(self) -> Window:
        """As it goes on the bus."""
        return Window.model_validate(self.model_dump())


class Ending(Request):
    """When it ends: at an instant, or after so many seconds."""

    ends_at: Instant | None = None
    duration_seconds: Annotated[float | None, Field(ge=1, le=400 * 86_400, allow_inf_nan=False)] = None
    """From its start"""

    def end_ms(self, start_ms: int) -> int | None:
        """The end; None if nothing was said."""
        if self.duration_seconds is not None:
            return start_ms + round(self.duration_seconds * 1000)
        return self.ends_at

    @model_validator(mode="after")
    def _once(self) -> "Ending":
        if self.ends_at is not None and self.duration_seconds is not None:
            raise ValueError("only one of ends_at and duration_seconds")
        return self


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("say why")
    return text.strip()


class Muting(Ending):
    """Why, and until when: both have to be said."""

    reason: Annotated[Text, Field(min_length=1, max_length=1_000)]
    windows: Annotated[list[WindowRequest], Field(max_length=50)] = []
    """It recurs: from its start to its end it mutes in these times only; empty: all the time"""

    _says_why = field_validator("reason")(_not_blank)

    @model_validator(mode="after")
    def _ends(self) -> "Muting":
        if self.ends_at is None and self.duration_seconds is None:
            raise ValueError("say when it ends: ends_at or duration_seconds")
        return self


class SilenceRequest(Muting):
    """A silence."""

    matchers: Matchers
    starts_at: Instant | None = None
    """Absent: now; what lies in the past counts as now"""

    @field_validator("matchers")
    @classmethod
    def _choose(cls, matchers: list[MatcherRequest]) -> list[MatcherRequest]:
        if all(one.matcher().matches("") for one in matchers):
            raise ValueError("at least one matcher must not match the empty value: this would mute everything")
        return matchers


class SilenceReplacement(SilenceRequest):
    """What a silence is to become."""

    version: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    """The version that is to be replaced; not needed where `If-Match` names it"""


class AlertSilenceRequest(Muting):
    """A silence of what looks like one alert."""

    labels: Annotated[list[Annotated[str, Field(max_length=200)]] | None, Field(min_length=1, max_length=64)] = None
    """Which of its labels have to be the same; absent: all of them"""


class AcknowledgementRequest(Ending):
    """Somebody looks after an alert."""

    reason: Annotated[Text, Field(max_length=1_000)] = ""
    """A word to the others"""


class PreviewRequest(Request):
    """What matchers match."""

    matchers: Matchers


class MatcherBody(Body):
    """A label matcher."""

    name: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str


class SilenceBody(Body):
    """A silence or an acknowledgement."""

    id: str
    kind: Kind
    state: SilenceState
    """An acknowledgement expires with its alert's episode"""
    mutes_now: bool
    """Active, and within its windows if it has any"""
    matchers: list[MatcherBody]
    reason: str
    starts_at: Instant
    ends_at: Instant
    created_by: str
    created_at: Instant
    updated_at: Instant | None
    version: int
    """Rises with each change"""
    windows: list[Window]
    """When, between its start and its end, it mutes; empty: all the time"""
    alert: str | None
    """For an acknowledgement: the id of the alert's episode"""
    matches: int | None
    """How many active alerts it is about; null: too many to count them here"""


class PastAlertsBody(Body):
    """The episodes of a stretch of time that matchers match."""

    since: Instant
    total: int
    alerts: list[AlertBody]
    """The newest of them"""


class PreviewBody(Body):
    """What matchers match."""

    total: int
    alerts: list[AlertBody]
    """The newest of those that are active now"""
    past_day: PastAlertsBody | None
    """null: the database can't be reached"""


class MutedBody(Body):
    """What mutes an alert now."""

    acknowledgements: list[SilenceBody]
    silences: list[SilenceBody]
    inhibited_by: AlertBody | None
    """The alert that is told instead"""
    muted_by: list[MuteBody]
    """All of these in short, and what it depends on, and the times at which its routes tell nothing"""


def silence_body(silence: Silence, state: SilenceState, mutes_now: bool, matches: int | None) -> SilenceBody:
    """A silence as the API shows it."""
    about = silence.alert_id
    if about is not None and silence.episode is not None:
        about = f"{about}-{silence.episode}"
    return SilenceBody(
        id=silence.id,
        kind=silence.kind,
        state=state,
        mutes_now=mutes_now,
        matchers=[MatcherBody(name=one.name, operator=one.operator, value=one.value) for one in silence.matchers],
        reason=silence.comment,
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        created_by=silence.created_by,
        created_at=silence.created_at,
        updated_at=silence.updated_at,
        version=silence.version,
        windows=silence.windows,
        alert=about,
        matches=matches,
    )
