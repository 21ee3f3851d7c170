"""Receivers, how they do, and who would be told of what, as they go over HTTP."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.api.core.alert_bodies import DeliveryState
from services.api.core.alert_detail import ALERT_ID
from services.api.core.bodies import Body, MuteBody
from services.api.core.silence_bodies import NO_CONTROL, Request, Text
from shared.messages.message import Instant


class FailureBody(Body):
    """A delivery that failed for good."""

    at: Instant
    reason: str | None


class DestinationBody(Body):
    """How deliveries to one destination go: the last 24 hours."""

    destination: str
    """Receiver, channel, number among those of its kind, and the person where there is one"""
    channel: str
    last_sent: Instant | None
    last_failure: FailureBody | None
    failing: bool
    """The last that ended has failed"""
    waiting: int
    """Planned, without an outcome yet"""
    waiting_since: Instant | None
    sent: int
    failed: int
    muted: int
    """Held back"""
    p50_ms: float | None
    """Of the latest deliveries, from the evaluation instant to the receiver's answer"""
    p95_ms: float | None


class ReceiverBody(Body):
    """A receiver."""

    name: str
    channels: list[str]
    """The ways in which it is told, as configured; none: nobody is told"""
    configured: bool
    """It is in the configuration now"""
    destinations: list[DestinationBody]
    """Those that something was to be sent to"""


class ReceiversBody(Body):
    """The receivers, and since when deliveries are counted."""

    receivers: list[ReceiverBody]
    complete: bool
    """false: just started, deliveries of the last 24 hours are still being read"""
    timestamp: Instant


class TestRequest(Request):
    """Nothing more is to be said."""


class TestDeliveryBody(Body):
    """What became of a test message to one destination."""

    destination: str
    channel: str
    state: DeliveryState
    reason: str | None
    latency_ms: float | None


class TestBody(Body):
    """What became of a test message."""

    id: str
    state: Literal["sent", "failed", "unknown"]
    """The worst of its deliveries; unknown: nothing more was known in time"""
    reason: str | None
    latency_ms: float | None
    """The longest"""
    deliveries: list[TestDeliveryBody]


LabelName = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_CONTROL)]
LabelText = Annotated[Text, Field(max_length=4_000)]


class RoutePreviewRequest(Request):
    """Labels, or an active alert that has some."""

    labels: Annotated[dict[LabelName, LabelText], Field(max_length=64)] | None = None
    alert: Annotated[str, Field(pattern=ALERT_ID)] | None = None
    """The id of an active alert, or of its episode"""
    at: Instant | None = None
    """Absent: now"""

    @model_validator(mode="after")
    def _says_one(self) -> "RoutePreviewRequest":
        if (self.labels is None) == (self.alert is None):
            raise ValueError("one of labels and alert")
        return self


class ToldBody(Body):
    """Somebody, or something, that would be told."""

    channel: str
    to: str | None
    """A person's name, an address or a number; null: where the channel leads"""
    because: str | None
    """How it came to be this person: `on call: NAME`, `administrator`"""
    quiet_until: Instant | None
    """It waits for the end of the person's quiet hours"""
    resolved: bool
    """The alert's end is told too"""


class StepBody(Body):
    """Who is told as well, if nobody acknowledges it."""

    after_seconds: float
    receiver: str
    told: list[ToldBody]


class RouteBody(Body):
    """A route that the alert takes."""

    route: str
    """Alertmanager's key of it"""
    receiver: str
    told: list[ToldBody]
    group_key: str
    group_labels: dict[str, str]
    group_wait_seconds: float
    group_interval_seconds: float
    repeat_interval_seconds: float
    immediate: bool
    muted_by_time: str | None
    """The time interval because of which nothing is told"""
    muted_until: Instant | None
    """null: not within three years"""
    escalation: list[StepBody]
    fallback: StepBody | None
    """Who is told instead, if it can't be delivered for so long"""


class RoutePreviewBody(Body):
    """Who would be told."""

    labels: dict[str, str]
    at: Instant
    muted_by: list[MuteBody]
    """On all routes"""
    routes: list[RouteBody]
