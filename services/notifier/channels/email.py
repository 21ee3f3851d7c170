"""Channel `email`: a mail through an SMTP server, encrypted; with Alertmanager's `email_configs` fields."""

import asyncio
import ssl
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import aiosmtplib
import structlog
from pydantic import Field, SecretStr, model_validator

from services.notifier.channels import Channel, ChannelSettings, Context, Kind, Payload
from services.notifier.channels.http_settings import Timeout
from services.notifier.channels.templated import Template
from services.notifier.core.expanding import filled
from services.notifier.core.mail import Mail, addresses, message
from services.notifier.core.mail_html import html
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.text import text, title
from services.notifier.core.wording import Wording
from shared.http_settings import TlsSettings, secret
from shared.routing.people_settings import ToSettings
from shared.secret_values import secret_of
from shared.settings import Section

log = structlog.get_logger()

SMTPS_PORT, SMTP_PORT = 465, 25
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST_TEXT = 100_000
# They are made by us, or would make a mail that is not the one that was said.
OWN_HEADERS = frozenset({"message-id", "date", "mime-version", "content-type", "content-transfer-encoding", "bcc"})


class ThreadingSettings(Section):
    """How mails stand together in mail programs."""

    enabled: bool = True
    """Whether those of one group of alerts are a thread."""
    thread_by_date: Literal["daily", "none"] = "none"
    """Alertmanager's; a thread is of a group here, whatever the day."""


class EmailSettings(ChannelSettings):
    """One of `email_configs`."""

    send_resolved: bool = False
    """As Alertmanager has it: ends are told where this is set."""
    to: str | Annotated[list[ToSettings], Field(min_length=1, max_length=100)]
    """Addresses, or whom as in `whatsapp_configs`; each person is told alone."""
    sender: Annotated[str, Field(alias="from", min_length=3)]
    """The address that mails come from."""
    smarthost: str
    """HOST:PORT of the SMTP server."""
    hello: str = "localhost"
    """What we call ourselves there."""
    auth_username: str = ""
    """With `auth_password`; absent: no authentication."""
    auth_password: SecretStr | None = None
    """This or `auth_password_file`."""
    auth_password_file: Path | None = None
    auth_identity: Literal[""] = ""
    """Alertmanager's; to act for somebody else is not supported."""
    require_tls: bool = True
    """STARTTLS, or nothing is sent. On port 465 the connection is encrypted from its beginning."""
    force_implicit_tls: bool | None = None
    """Encrypted from the beginning; absent: on port 465."""
    tls_config: TlsSettings = TlsSettings()
    """What is trusted."""
    headers: dict[str, Template] = {}
    """More headers, or others in place of ours: templates."""
    html: Template | None = None
    """A template; absent: Pantau's own; empty: no HTML part."""
    text: Template | None = None
    """A template; absent: Pantau's own; empty: no text part."""
    threading: ThreadingSettings = ThreadingSettings()
    timeout: Timeout = 30.0
    """For the whole of handing over a mail."""

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        self.server()
        addresses(self.sender)
        if isinstance(self.to, str):
            addresses(self.to)
        password = secret_of("auth_password", self.auth_password, self.auth_password_file)
        if self.auth_username and password is None:
            raise ValueError("auth_username needs auth_password or auth_password_file")
        if self.auth_username and not self.is_encrypted and self.server()[0] not in LOOPBACK:
            raise ValueError("a password is only sent encrypted: leave require_tls at true")
        for name in self.headers:
            if not name.isascii() or not name.replace("-", "").isalnum() or name.lower() in OWN_HEADERS:
                raise ValueError(f"header {name[:80]!r} can't be set")
        return self

    def server(self) -> tuple[str, int]:
        """Host and port. ValueError if that is none."""
        host, _, port = self.smarthost.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ValueError(f"smarthost: {self.smarthost[:120]!r} is not of the form HOST:PORT")
        return host.strip("[]"), int(port)

    @property
    def is_implicit(self) -> bool:
        """Whether the connection is encrypted from its beginning."""
        return self.server()[1] == SMTPS_PORT if self.force_implicit_tls is None else self.force_implicit_tls

    @property
    def is_encrypted(self) -> bool:
        """Whether nothing goes in the clear."""
        return self.is_implicit or self.require_tls


def render(notice: Notice, settings: EmailSettings, wording: Wording) -> Payload:
    """The mail and whom it is for; `problem` instead where it can't be made."""
    to = settings.to if isinstance(settings.to, str) else notice.recipient.email if notice.recipient else None
    if not to:
        return {"problem": "no_address"}
    given = {name.lower(): template for name, template in settings.headers.items()}
    headers = {
        name: filled(template, notice, wording, str)
        for name, template in settings.headers.items()
        if name.lower() != "subject"
    }
    mail = Mail(
        sender=settings.sender,
        to=to,
        subject=filled(given.get("subject"), notice, wording, lambda: title(notice, wording)),
        text=filled(settings.text, notice, wording, lambda: text(notice, wording, LONGEST_TEXT)),
        html=filled(settings.html, notice, wording, lambda: html(notice, wording), is_html=True),
        headers=headers,
        threaded=settings.threading.enabled,
    )
    try:
        return {"to": addresses(to), "message": message(mail, notice)}
    except ValueError as error:
        return {"problem": "bad_header", "detail": str(error)}


class Email:
    """Hands mails to one server, each over a connection of its own."""

    kind = "email"
    deduplicates = False

    def __init__(self, settings: EmailSettings, wording: Wording) -> None:
        self._settings, self._wording = settings, wording
        self._tls = settings.tls_config.context()
        self._sender = addresses(settings.sender)[0]

    def render(self, notice: Notice) -> Payload:
        """The mail."""
        return render(notice, self._settings, self._wording)

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One attempt. The server may have taken a mail that ends in `timeout` or `reset`."""
        if "problem" in payload:
            return Permanent(payload["problem"], payload.get("detail", "there is no address to send to"))
        try:
            password = await asyncio.to_thread(_password, self._settings)
        except ValueError as error:
            return Retry("credentials", str(error))
        try:
            async with asyncio.timeout(self._settings.timeout):
                refused = await self._handed_over(payload, password)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            return outcome_of(error)
        if refused:
            # Some have it: to try again would tell them twice.
            log.warning("some addresses were refused", notification=notification_id, codes=sorted(refused))
        return Delivered()

    async def close(self) -> None:
        """Nothing stays open."""

    async def _handed_over(self, payload: Payload, password: str) -> list[int]:
        settings = self._settings
        host, port = settings.server()
        client = aiosmtplib.SMTP(
            hostname=host,
            port=port,
            local_hostname=settings.hello,
            timeout=settings.timeout,
            use_tls=settings.is_implicit,
            start_tls=False,
            tls_context=self._tls,
        )
        try:
            await client.connect()
            if settings.require_tls and not settings.is_implicit:
                await client.ehlo()
                if not client.supports_extension("starttls"):
                    raise aiosmtplib.SMTPNotSupported("no STARTTLS")
                await client.starttls(tls_context=self._tls, server_hostname=settings.tls_config.server_name)
            if settings.auth_username:
                await client.login(settings.auth_username, password)
            responses, _ = await client.sendmail(self._sender, payload["to"], payload["message"])
            return [one.code for one in responses.values()]
        finally:
            client.close()


def outcome_of(error: Exception) -> Outcome:
    """What an error in handing over a mail means. The server's words are left out: they may repeat the password."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            codes = [one.code for one in error.recipients]
            return _of_code(max(codes, key=lambda code: code < 500, default=550), "no address was accepted")
        case aiosmtplib.SMTPAuthenticationError():
            return _of_code(error.code, "the user name or password was refused")
        case aiosmtplib.SMTPConnectResponseError() | aiosmtplib.SMTPResponseException():
            return _of_code(error.code, f"the server answered {error.code}")
        case aiosmtplib.SMTPNotSupported():
            return Permanent(
                "not_supported", "the server does not offer the encryption or authentication that is asked"
            )
        case aiosmtplib.SMTPTimeoutError() | TimeoutError():
            return Retry("timeout", "not handed over within the deadline")
        case ssl.SSLError() | aiosmtplib.SMTPConnectError(__cause__=ssl.SSLError()):
            return Retry("tls", "no secure connection to the server")
        case aiosmtplib.SMTPServerDisconnected() | ConnectionResetError() | BrokenPipeError():
            return Retry("reset", "the server cut the connection")
        case aiosmtplib.SMTPConnectError() | OSError():
            return Retry("connect", "no connection to the server")
        case ValueError():
            return Permanent("bad_header", type(error).__name__)
    return Retry("protocol", f"the server does not speak SMTP as it should: {type(error).__name__}")


def _of_code(code: int, detail: str) -> Outcome:
    if code >= 500:
        return Permanent(f"smtp_{code}", detail)
    return Retry(f"smtp_{code}" if code > 0 else "protocol", detail)


def _password(settings: EmailSettings) -> str:
    return secret("auth_password_file", settings.auth_password, settings.auth_password_file)


def _make(settings: Any, destination: str, context: Context) -> Channel:
    return Email(settings, context.wording)


KIND = Kind(
    EmailSettings,
    _make,
    {
        "smtp_from": "from",
        "smtp_smarthost": "smarthost",
        "smtp_hello": "hello",
        "smtp_auth_username": "auth_username",
        "smtp_auth_password": "auth_password",
        "smtp_auth_password_file": "auth_password_file",
        "smtp_auth_identity": "auth_identity",
        "smtp_require_tls": "require_tls",
        "smtp_force_implicit_tls": "force_implicit_tls",
        "smtp_tls_config": "tls_config",
    },
)
