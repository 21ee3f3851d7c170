"""Channels `msteamsv2` (a workflow's webhook, with an adaptive card) and `msteams` (an Office 365 connector); with the
fields of Alertmanager's `msteamsv2_configs` and `msteams_configs`."""

from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr, model_validator

from services.notifier.channels import Payload
from services.notifier.channels.http import Answer, verdict
from services.notifier.channels.http_settings import url_of
from services.notifier.channels.posting import PostingSettings, Request, Service, kind, without_nothing
from services.notifier.channels.templated import Template
from services.notifier.core.composing import headline
from services.notifier.core.cutting import cut
from services.notifier.core.expanding import filled
from services.notifier.core.markup import TEAMS
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.phrases import LANGUAGES
from services.notifier.core.text import text, title
from services.notifier.core.wording import Wording

# 28 KB for all of a message, of which a character may take four bytes.
LONGEST_TEXT, LONGEST_TITLE = 5_000, 250
RED, GREEN = "C92A2A", "2B8A3E"


class TeamsV2Settings(PostingSettings):
    """One of `msteamsv2_configs`."""

    webhook_url: SecretStr | None = None
    """This or `webhook_url_file`."""
    webhook_url_file: Path | None = None
    title: Template | None = None
    """Absent: Pantau's headline."""
    text: Template | None = None
    """Markdown, in which `{{ … }}` is not escaped; absent: Pantau's text."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        request(self, {})
        return self


class TeamsSettings(TeamsV2Settings):
    """One of `msteams_configs`."""

    summary: Template | None = None
    """Absent: Pantau's title."""


def render(notice: Notice, settings: TeamsV2Settings, wording: Wording) -> Payload:
    """The body: an adaptive card in a message."""
    head, said = _said(notice, settings, wording)
    colour = "attention" if notice.status == "firing" else "good"
    own = wording.of(notice)
    phrases = LANGUAGES[own.language]
    url = own.alert_url(notice.alerts[0].event) if len(notice.alerts) == 1 else f"{own.external_url}/alerts"
    block = {"type": "TextBlock", "wrap": True}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            {**block, "text": head, "weight": "Bolder", "size": "Medium", "style": "heading", "color": colour},
            {**block, "text": said},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": phrases.alert, "url": url}],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [content]}


def render_card(notice: Notice, settings: TeamsSettings, wording: Wording) -> Payload:
    """The body: the older card of connectors."""
    head, said = _said(notice, settings, wording)
    body: dict[str, Any] = {
        "@type": "MessageCard",
        "@context": "https://schema.org/extensions",
        "title": head,
        "summary": cut(filled(settings.summary, notice, wording, lambda: title(notice, wording)), LONGEST_TITLE),
        "text": said,
        "themeColor": RED if notice.status == "firing" else GREEN,
    }
    return without_nothing(body)


def request(settings: TeamsV2Settings, payload: Payload) -> Request:
    """Where it goes."""
    return Request(url_of("webhook_url", settings.webhook_url, settings.webhook_url_file))


def judge_card(answer: Answer) -> Outcome:
    """What a connector's answer means: what Teams behind it says comes with status 200, in words."""
    outcome = verdict(answer)
    if not isinstance(outcome, Delivered) or "returned HTTP error" not in answer.text:
        return outcome
    status = next((one for one in answer.text.split("returned HTTP error", 1)[1].split() if one.isdecimal()), "")[:3]
    detail = f"Teams answered {status} behind the connector"
    return Permanent("teams_error", detail) if status in ("400", "403", "404", "413") else Retry("teams_error", detail)


def _said(notice: Notice, settings: TeamsV2Settings, wording: Wording) -> tuple[str, str]:
    own = wording.of(notice)
    head = filled(settings.title, notice, wording, lambda: headline(notice, LANGUAGES[own.language]))
    said = filled(settings.text, notice, wording, lambda: text(notice, wording, LONGEST_TEXT, TEAMS))
    return cut(head, LONGEST_TITLE), cut(said, LONGEST_TEXT)


KIND = kind(Service("msteams", False, render_card, request, judge_card), TeamsSettings, {})
KIND_V2 = kind(Service("msteamsv2", False, render, request), TeamsV2Settings, {})
