"""Where the application's administrators are read: `notifications.admins` of `pantau.yaml`. Nobody else reads it, so
that nobody else needs the secrets in it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.collector.core.business.answers import refusal
from shared.postgres.settings import ConnectionSettings
from shared.promql.durations import parse_duration
from shared.routing.duration_field import Between, Duration
from shared.routing.people import Language
from shared.settings import Section


class AdminsSettings(Section):
    """The application's administrators, who are told of alerts (`to: [{admins: true}]`)."""

    enabled: bool = True
    """Whether they are read, where there is a database."""
    database: ConnectionSettings | None = None
    """Where; absent: `business.database`. The role needs SELECT on the columns that are asked for."""
    query: Annotated[str, Field(max_length=20_000)] | None = None
    """Who: a row each, with the columns `whatsapp` and, where there are such, `name`, `email`, `telegram`, `language`
    and `zone`. Absent: active rows of `admin_users` with the role `super_admin`, with those of the columns that it has
    and we may read."""
    interval: Annotated[Duration, Between("10s", "1d")] = "5m"
    """How often."""
    country_code: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")] = "62"
    """Put in front of national numbers, which are written with a leading 0."""
    language: Language = "id"
    """Of those whose row says none."""
    statement_timeout_seconds: Annotated[float, Field(gt=0, le=40)] = 10.0
    """How long the server may work on it."""

    @field_validator("query")
    @classmethod
    def _reads(cls, query: str | None) -> str | None:
        if query is not None and (reason := refusal(query)):
            raise ValueError(reason)
        return query

    @property
    def interval_seconds(self) -> float:
        """How often."""
        return parse_duration(self.interval) / 1000


class NotificationsSettings(BaseModel):
    """What of section `notifications` is for the collector; the notifier and the api check the rest."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    admins: AdminsSettings = AdminsSettings()
    """The application's administrators."""
