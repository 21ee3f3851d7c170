"""Channel `slack`: through an incoming webhook or `chat.postMessage`; with Alertmanager's `slack_configs` fields."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, model_validator

from services.notifier.channels import Payload
from services.notifier.channels.http import Answer, verdict
from services.notifier.channels.http_settings import check_url, url_of
from services.notifier.channels.posting import PostingSettings, Request, Service, kind, without_nothing
from services.notifier.channels.templated import Template
from services.notifier.core.composing import headline
from services.notifier.core.cutting import cut
from services.notifier.core.expanding import filled
from services.notifier.core.markup import SLACK
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.phrases import LANGUAGES
from services.notifier.core.retrying import asked_wait_seconds
from services.notifier.core.text import text, title
from services.notifier.core.wording import Wording
from shared.secret_values import secret_of
from shared.settings import Section

LONGEST_TEXT, LONGEST_TITLE, LONGEST_FIELD = 3_000, 150, 2_000
MOST_FIELDS = 20
COLOURS = {"firing": "danger", "resolved": "good"}
# Errors of the Web API, which come with status 200, that another try may not meet.
PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)


class SlackField(Section):
    """A small table's cell."""

    title: Template
    value: Template
    short: bool | None = None


class SlackConfirmation(Section):
    """What is asked before a button does what it does."""

    text: Template
    title: Template = ""
    ok_text: Template = ""
    dismiss_text: Template = ""


class SlackAction(Section):
    """A button that leads somewhere."""

    type: Template = "button"
    text: Template
    url: Template = ""
    style: Template = ""
    name: Template = ""
    value: Template = ""
    confirm: SlackConfirmation | None = None


class SlackSettings(PostingSettings):
    """One of `slack_configs`."""

    send_resolved: bool = False
    """As Alertmanager has it."""
    api_url: SecretStr | None = None
    """The incoming webhook's URL. This, or `api_url_file`, or `app_token`."""
    api_url_file: Path | None = None
    app_token: SecretStr | None = None
    """A bot's token, for `chat.postMessage`, in place of `api_url`. This or `app_token_file`."""
    app_token_file: Path | None = None
    app_url: str = "https://slack.com/api/chat.postMessage"
    """Where messages with a token go."""
    channel: Template = ""
    """Where webhooks allow it, and with a token: the channel."""
    username: Template = ""
    color: Template | None = None
    """Absent: red while it fires, then green."""
    title: Template | None = None
    """Absent: Pantau's headline."""
    title_link: Template | None = None
    """Absent: the alert's page."""
    pretext: Template = ""
    text: Template | None = None
    """Slack's mrkdwn, in which `{{ … }}` is not escaped; absent: Pantau's text."""
    message_text: Template = ""
    """Above the attachment."""
    fields: Annotated[list[SlackField], Field(max_length=MOST_FIELDS)] = []
    short_fields: bool = False
    footer: Template = ""
    fallback: Template | None = None
    """What notifications on the desktop show; absent: Pantau's title."""
    callback_id: Template = ""
    icon_emoji: Template = ""
    icon_url: Template = ""
    image_url: Template = ""
    thumb_url: Template = ""
    link_names: bool = False
    mrkdwn_in: list[str] = ["fallback", "pretext", "text"]
    actions: Annotated[list[SlackAction], Field(max_length=10)] = []

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        token = secret_of("app_token", self.app_token, self.app_token_file)
        if token is not None and not self.channel:
            raise ValueError("app_token needs a channel")
        request(self, {})
        return self


def render(notice: Notice, settings: SlackSettings, wording: Wording) -> Payload:
    """The body."""

    def of(template: str) -> str:
        return filled(template, notice, wording, str)

    own = wording.of(notice)
    link = own.alert_url(notice.alerts[0].event) if len(notice.alerts) == 1 else f"{own.external_url}/alerts"
    head = headline(notice, LANGUAGES[own.language])
    attachment = {
        "fallback": filled(settings.fallback, notice, wording, lambda: title(notice, wording)),
        "color": filled(settings.color, notice, wording, lambda: COLOURS[notice.status]),
        "title": cut(filled(settings.title, notice, wording, lambda: SLACK.escape(head)), LONGEST_TITLE),
        "title_link": filled(settings.title_link, notice, wording, lambda: link),
        "pretext": cut(of(settings.pretext), LONGEST_TEXT),
        "text": cut(
            filled(settings.text, notice, wording, lambda: text(notice, wording, LONGEST_TEXT, SLACK)), LONGEST_TEXT
        ),
        "fields": [
            {
                "title": of(one.title),
                "value": cut(of(one.value), LONGEST_FIELD),
                "short": settings.short_fields if one.short is None else one.short,
            }
            for one in settings.fields
        ],
        "footer": of(settings.footer),
        "callback_id": of(settings.callback_id),
        "image_url": of(settings.image_url),
        "thumb_url": of(settings.thumb_url),
        "mrkdwn_in": settings.mrkdwn_in,
        "actions": [_filled_in(one, of) for one in settings.actions],
    }
    body: dict[str, Any] = {
        "channel": of(settings.channel),
        "username": of(settings.username),
        "icon_emoji": of(settings.icon_emoji),
        "icon_url": of(settings.icon_url),
        "link_names": settings.link_names or None,
        "text": of(settings.message_text),
        "attachments": [without_nothing(attachment)],
    }
    return without_nothing(body)


def _filled_in(section: Section, of: Callable[[str], str]) -> dict[str, Any]:
    """The fields of `section` with their templates expanded, without those that are empty."""
    fields = {name: getattr(section, name) for name in type(section).model_fields}
    return without_nothing(
        {
            name: _filled_in(value, of) if isinstance(value, Section) else of(value)
            for name, value in fields.items()
            if value is not None
        }
    )


def request(settings: SlackSettings, payload: Payload) -> Request:
    """Where it goes."""
    token = secret_of("app_token", settings.app_token, settings.app_token_file)
    if token is not None:
        return Request(check_url("app_url", settings.app_url), {"Authorization": f"Bearer {token}"})
    return Request(url_of("api_url", settings.api_url, settings.api_url_file))


def judge(answer: Answer) -> Outcome:
    """What an answer means: the Web API refuses with status 200."""
    outcome = verdict(answer)
    told = answer.json()
    if not isinstance(outcome, Delivered) or not isinstance(told, dict) or told.get("ok") is not False:
        return outcome
    error = str(told.get("error", ""))[:60]
    if error in PASSING:
        return Retry("slack_error", f"Slack answered {error}", asked_wait_seconds(answer.retry_after, answer.now_ms))
    return Permanent("slack_error", f"Slack answered {error}")


KIND = kind(
    Service("slack", False, render, request, judge),
    SlackSettings,
    {
        "slack_api_url": "api_url",
        "slack_api_url_file": "api_url_file",
        "slack_app_token": "app_token",
        "slack_app_token_file": "app_token_file",
        "slack_app_url": "app_url",
    },
)
