"""Channel `telegram`: a bot's `sendMessage`; with Alertmanager's `telegram_configs` fields."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, model_validator

from services.notifier.channels import Payload
from services.notifier.channels.http import Answer, verdict
from services.notifier.channels.http_settings import check_url
from services.notifier.channels.posting import PostingSettings, Request, Service, kind, without_nothing
from services.notifier.channels.templated import Template
from services.notifier.core.cutting import length
from services.notifier.core.expanding import filled
from services.notifier.core.markup import PLAIN, TELEGRAM_HTML, TELEGRAM_V2, Markup
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Outcome, Retry
from services.notifier.core.text import text
from services.notifier.core.wording import Wording
from shared.http_settings import secret
from shared.routing.people_settings import ToSettings
from shared.secret_values import secret_of

LONGEST = 4_096
ParseMode = Literal["", "HTML", "MarkdownV2", "Markdown"]
# The older Markdown has no way to escape: our own text goes without it.
MARKUPS: dict[str, Markup] = {"HTML": TELEGRAM_HTML, "MarkdownV2": TELEGRAM_V2, "Markdown": PLAIN, "": PLAIN}


class TelegramSettings(PostingSettings):
    """One of `telegram_configs`."""

    api_url: str = "https://api.telegram.org"
    """Where the Bot API answers."""
    bot_token: SecretStr | None = None
    """This or `bot_token_file`."""
    bot_token_file: Path | None = None
    chat_id: int | str | None = None
    """A chat's id, or `@name` of a channel. This, or `chat_id_file`, or `to`."""
    chat_id_file: Path | None = None
    to: Annotated[list[ToSettings], Field(max_length=100)] = []
    """People, each of whom is told alone in the chat that `people` names."""
    message_thread_id: int | None = None
    """The topic of a group."""
    message: Template | None = None
    """In `parse_mode`; with HTML, what `{{ … }}` gives is escaped. Absent: Pantau's text."""
    parse_mode: ParseMode = "HTML"
    disable_notifications: bool = False
    """Without a sound."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if sum(one is not None for one in (self.chat_id, self.chat_id_file, self.to or None)) != 1:
            raise ValueError("needs one of chat_id, chat_id_file and to")
        check_url("api_url", self.api_url)
        if secret_of("bot_token", self.bot_token, self.bot_token_file) is None:
            raise ValueError("needs bot_token or bot_token_file")
        return self


def render(notice: Notice, settings: TelegramSettings, wording: Wording) -> Payload:
    """The body; the chat of a person is in it, that of everybody is added with the request."""
    mode = settings.parse_mode
    chat: str | int | None = settings.chat_id
    if settings.to:
        chat = notice.recipient.telegram if notice.recipient else None
        if not chat:
            return {"problem": "no_chat"}

    def own() -> str:
        return text(notice, wording, LONGEST, MARKUPS[mode])

    said = filled(settings.message, notice, wording, own, is_html=mode == "HTML")
    if settings.message is not None and length(said) > LONGEST:
        said = own()  # to cut it might leave markup open, which Telegram refuses
    if mode == "Markdown" and settings.message is None:
        mode = ""
    body: dict[str, Any] = {
        "chat_id": chat,
        "text": said,
        "parse_mode": mode,
        "disable_notification": settings.disable_notifications or None,
        "message_thread_id": settings.message_thread_id,
        "link_preview_options": {"is_disabled": True},
    }
    return without_nothing(body)


def request(settings: TelegramSettings, payload: Payload) -> Request:
    """Where it goes."""
    token = secret_of("bot_token", settings.bot_token, settings.bot_token_file) or ""
    body = {} if "chat_id" in payload else {"chat_id": secret("chat_id_file", None, settings.chat_id_file)}
    return Request(f"{settings.api_url.rstrip('/')}/bot{token}/sendMessage", body=body)


def judge(answer: Answer) -> Outcome:
    """What an answer means; how long to wait stands in its JSON."""
    outcome, told = verdict(answer), answer.json()
    if isinstance(outcome, Retry) and isinstance(told, dict) and isinstance(told.get("parameters"), dict):
        seconds = told["parameters"].get("retry_after")
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 1e9:
            return Retry(outcome.reason, outcome.detail, float(seconds))
    return outcome


KIND = kind(
    Service("telegram", False, render, request, judge),
    TelegramSettings,
    {
        "telegram_api_url": "api_url",
        "telegram_bot_token": "bot_token",
        "telegram_bot_token_file": "bot_token_file",
    },
)
