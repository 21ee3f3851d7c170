"""The settings of notifier: section `notifier` of `pantau.yaml`, or `PANTAU_NOTIFIER__KEY`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.notifier.outside_settings import NotifierNotifications
from services.notifier.receiver_checks import problems_of
from shared.promql.durations import parse_duration
from shared.settings import AdminSettings, CommonSettings, Section
from shared.whatsapp.settings import WhatsappSettings


class RetrySettings(Section):
    """When a receiver that could not be told is tried again."""

    first_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """The wait after the first failure; it doubles with each one, and half of it is left to chance."""
    longest_seconds: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """The longest of these waits."""
    longest_asked_seconds: Annotated[float, Field(ge=0, le=86_400)] = 3_600.0
    """The longest wait that a receiver's `Retry-After` is followed for."""
    give_up_seconds: Annotated[float, Field(gt=0, le=7 * 86_400)] = 86_400.0
    """No try begins later than this after the first one (since the notifier's start); then it has failed for good."""


class ResendSettings(Section):
    """How Alertmanagers are kept informed: Prometheus' rules, and its defaults."""

    delay_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 60.0
    """What fires is sent again after this long, and is valid for four times that."""
    resolved_retention_seconds: Annotated[float, Field(ge=0, le=86_400)] = 900.0
    """For how long it is told that an alert is over."""
    queue_capacity: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Alerts that wait for one Alertmanager; when there are more the oldest are dropped."""
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 256
    """The most alerts in one request."""


class NotifierSettings(Section):
    """Who is told, and how hard we try."""

    admin: AdminSettings = AdminSettings(port=18085)
    """Where /health/live, /health/ready and /metrics are served."""
    resend: ResendSettings = ResendSettings()
    """How Alertmanagers are kept informed."""
    retry: RetrySettings = RetrySettings()
    """When a receiver that could not be told is tried again."""
    most_waiting: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """What one receiver is owed. When it is more (it may be down for long), the oldest of what began and was over
    meanwhile is merged: a digest says how many that were. What fires, and ends of what was told, stay owed."""
    most_waiting_in_all: Annotated[int, Field(ge=1, le=10_000_000)] = 200_000
    """What all receivers together are owed. When it is more, no events are read until some of it has its outcome."""
    receiver_concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """Requests that are under way to one receiver at once."""
    unknown_outcomes: Literal["repeat", "leave"] = "repeat"
    """What a kill interrupted may have arrived. Where the other side does not drop what comes twice under one id (mail,
    chats, WhatsApp), `repeat` sends it again, so that none is lost; `leave` does not, so that none comes twice."""
    remembered_deliveries: Annotated[int, Field(ge=1_000, le=10_000_000)] = 200_000
    """Notifications with their outcome that are kept in memory."""
    drain_seconds: Annotated[float, Field(ge=0, le=60)] = 5.0
    """How long deliveries under way may take once the notifier is told to stop."""


class Settings(CommonSettings):
    """Everything notifier is told."""

    notifier: NotifierSettings = NotifierSettings()
    notifications: NotifierNotifications = NotifierNotifications()
    whatsapp: WhatsappSettings = WhatsappSettings()

    @model_validator(mode="after")
    def _receivers_can_be_told(self) -> Self:
        if problems := list(problems_of(self.notifications)):
            raise self.notifications.refusal(problems)
        return self

    @model_validator(mode="after")
    def _heartbeats_can_be_heard(self) -> Self:
        silent_ms, beat = parse_duration(self.notifications.watchdog.silent_after), self.heartbeat.interval_seconds
        if silent_ms < 3_000 * beat:
            raise ValueError(
                f"notifications.watchdog.silent_after is shorter than three heartbeats: make it {3 * beat:g}s or more "
                f"(heartbeat.interval_seconds is {beat:g})"
            )
        return self
