"""Channel `discord`: a webhook; with Alertmanager's `discord_configs` fields."""

from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr, model_validator

from services.notifier.channels import Payload
from services.notifier.channels.http import Answer, verdict
from services.notifier.channels.http_settings import check_url, url_of
from services.notifier.channels.posting import PostingSettings, Request, Service, kind, without_nothing
from services.notifier.channels.templated import Template
from services.notifier.core.composing import headline
from services.notifier.core.cutting import cut
from services.notifier.core.expanding import filled
from services.notifier.core.markup import DISCORD
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Outcome, Retry
from services.notifier.core.phrases import LANGUAGES
from services.notifier.core.text import text
from services.notifier.core.wording import Wording

LONGEST_TITLE, LONGEST_DESCRIPTION, LONGEST_CONTENT, LONGEST_NAME = 256, 4_096, 2_000, 80
RED, GREEN = 0xC92A2A, 0x2B8A3E


class DiscordSettings(PostingSettings):
    """One of `discord_configs`."""

    webhook_url: SecretStr | None = None
    """This or `webhook_url_file`."""
    webhook_url_file: Path | None = None
    title: Template | None = None
    """Absent: Pantau's headline."""
    message: Template | None = None
    """Discord's Markdown, in which `{{ … }}` is not escaped; absent: Pantau's text."""
    content: Template = ""
    """Above the rest."""
    username: Template = ""
    avatar_url: str = ""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        request(self, {})
        if self.avatar_url:
            check_url("avatar_url", self.avatar_url)
        return self


def render(notice: Notice, settings: DiscordSettings, wording: Wording) -> Payload:
    """The body. It mentions nobody, whatever a label says."""
    own = wording.of(notice)
    head = filled(settings.title, notice, wording, lambda: headline(notice, LANGUAGES[own.language]))
    said = filled(settings.message, notice, wording, lambda: text(notice, wording, LONGEST_DESCRIPTION, DISCORD))
    embed: dict[str, Any] = {
        "title": cut(head, LONGEST_TITLE),
        "url": own.alert_url(notice.alerts[0].event) if len(notice.alerts) == 1 else f"{own.external_url}/alerts",
        "description": cut(said, LONGEST_DESCRIPTION),
        "color": RED if notice.status == "firing" else GREEN,
    }
    body = {
        "content": cut(filled(settings.content, notice, wording, str), LONGEST_CONTENT),
        "username": cut(filled(settings.username, notice, wording, str), LONGEST_NAME),
        "avatar_url": settings.avatar_url,
        "embeds": [embed],
    }
    return {**without_nothing(body), "allowed_mentions": {"parse": []}}


def request(settings: DiscordSettings, payload: Payload) -> Request:
    """Where it goes."""
    return Request(url_of("webhook_url", settings.webhook_url, settings.webhook_url_file))


def judge(answer: Answer) -> Outcome:
    """What an answer means; how long to wait stands in its JSON, in fractions of seconds."""
    outcome, told = verdict(answer), answer.json()
    if isinstance(outcome, Retry) and isinstance(told, dict):
        seconds = told.get("retry_after")
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 1e9:
            return Retry(outcome.reason, outcome.detail, float(seconds))
    return outcome


KIND = kind(Service("discord", False, render, request, judge), DiscordSettings, {})
