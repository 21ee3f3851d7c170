"""Channel `opsgenie`: the Alert API, one alert a group; with Alertmanager's `opsgenie_configs` fields."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from services.notifier.channels import Payload
from services.notifier.channels.http_settings import check_url
from services.notifier.channels.posting import PostingSettings, Request, Service, kind, without_nothing
from services.notifier.channels.templated import Template
from services.notifier.core.composing import severity
from services.notifier.core.cutting import cut
from services.notifier.core.expanding import filled
from services.notifier.core.notice import Notice
from services.notifier.core.text import text, title
from services.notifier.core.wording import Wording
from shared.messages.message import content_id
from shared.secret_values import secret_of
from shared.settings import Section

LONGEST_MESSAGE, LONGEST_DESCRIPTION, LONGEST_SOURCE, LONGEST_NOTE = 130, 15_000, 100, 25_000
LONGEST_DETAIL, MOST_TAGS, LONGEST_TAG = 1_000, 20, 50
PRIORITIES = {"critical": "P1", "warning": "P3", "info": "P5"}


class Responder(Section):
    """Who is to answer: one of id, name and username."""

    id: Template = ""
    name: Template = ""
    username: Template = ""
    type: Literal["team", "teams", "user", "escalation", "schedule"]

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if sum(bool(one) for one in (self.id, self.name, self.username)) != 1:
            raise ValueError("a responder needs one of id, name and username")
        return self


class OpsgenieSettings(PostingSettings):
    """One of `opsgenie_configs`."""

    api_key: SecretStr | None = None
    """This or `api_key_file`."""
    api_key_file: Path | None = None
    api_url: str = "https://api.opsgenie.com/"
    message: Template | None = None
    """Absent: Pantau's title."""
    description: Template | None = None
    """Absent: Pantau's text."""
    source: Template | None = None
    """Absent: this Pantau's URL."""
    details: dict[str, Template] = {}
    """Added to the labels that all alerts have."""
    entity: Template = ""
    actions: Template = ""
    """Names, with commas between them."""
    tags: Template = ""
    """With commas between them."""
    note: Template = ""
    priority: Template | None = None
    """P1 to P5; absent: P1 for critical, P3 for warning, P5 for info."""
    responders: Annotated[list[Responder], Field(max_length=50)] = []
    update_alerts: Literal[False] = False
    """Alertmanager's; an alert's text is that of its beginning."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        check_url("api_url", self.api_url)
        self.key()
        return self

    def key(self) -> str:
        """The API key. ValueError without one."""
        found = secret_of("api_key", self.api_key, self.api_key_file)
        if found is None or not found.isascii() or not found.isprintable():
            raise ValueError("needs api_key or api_key_file, of printable ASCII")
        return found


def render(notice: Notice, settings: OpsgenieSettings, wording: Wording) -> Payload:
    """The alert, or its end. All notices of a group are about one alert there."""

    def of(template: str) -> str:
        return filled(template, notice, wording, str)

    own = wording.of(notice)
    alias = content_id("opsgenie", notice.receiver, notice.group_key)
    source = cut(filled(settings.source, notice, wording, lambda: own.external_url), LONGEST_SOURCE)
    if notice.status == "resolved":
        return {"_closes": alias, "source": source, "note": text(notice, wording, LONGEST_NOTE)}
    priority = filled(settings.priority, notice, wording, lambda: PRIORITIES[severity(notice)])
    details = notice.common_labels | {name: of(template) for name, template in settings.details.items()}
    responders = [{name: of(value) for name, value in one.model_dump().items()} for one in settings.responders]
    body = {
        "alias": alias,
        "message": cut(filled(settings.message, notice, wording, lambda: title(notice, wording)), LONGEST_MESSAGE),
        "description": cut(
            filled(settings.description, notice, wording, lambda: text(notice, wording, LONGEST_DESCRIPTION)),
            LONGEST_DESCRIPTION,
        ),
        "source": source,
        "details": {name: cut(value, LONGEST_DETAIL) for name, value in details.items() if value},
        "entity": cut(of(settings.entity), 512),
        "actions": _split(of(settings.actions)),
        "tags": [cut(one, LONGEST_TAG) for one in _split(of(settings.tags))[:MOST_TAGS]],
        "note": cut(of(settings.note), LONGEST_NOTE),
        "priority": priority if priority in ("P1", "P2", "P3", "P4", "P5") else "P3",
        "responders": [without_nothing(one) for one in responders],
    }
    return without_nothing(body)


def request(settings: OpsgenieSettings, payload: Payload) -> Request:
    """Where it goes."""
    url = f"{settings.api_url.rstrip('/')}/v2/alerts"
    if "_closes" in payload:
        url += f"/{payload['_closes']}/close?identifierType=alias"
    return Request(url, {"Authorization": f"GenieKey {settings.key()}"})


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


# The same alert under the same alias is counted there, and nobody is called again.
KIND = kind(
    Service("opsgenie", True, render, request),
    OpsgenieSettings,
    {"opsgenie_api_url": "api_url", "opsgenie_api_key": "api_key", "opsgenie_api_key_file": "api_key_file"},
)
