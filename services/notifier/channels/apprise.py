"""Channel `apprise`: any of the services that the package apprise knows by URL (ntfy, Matrix, Pushover, SMS …)."""

import asyncio
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Self

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from pydantic import SecretStr, model_validator

from services.notifier.channels import Channel, ChannelSettings, Context, Kind, Payload
from services.notifier.channels.http_settings import Timeout
from services.notifier.channels.templated import Template
from services.notifier.core.cutting import cut
from services.notifier.core.expanding import filled
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.text import text, title
from services.notifier.core.wording import Wording
from shared.blocking import BlockingCalls
from shared.deadlines import Hanging
from shared.secret_values import secret_of

LONGEST_TITLE = 250
DEFAULT_LENGTH = 32_768
# Each call has a thread of its own for as long as it takes.
MOST_AT_ONCE = 4
_STATUS = re.compile(r"\berror=(\d{3})\b")
_PASSING = frozenset({408, 425, 429})
# They do as they are told with whatever lies on this machine, or run programs.
LOCAL = frozenset({"file", "syslog", "dbus", "glib", "qt", "kde", "gnome", "macosx", "windows", "exec", "script"})
_ASSET = AppriseAsset(
    app_id="Pantau",
    app_desc="Pantau",
    async_mode=False,
    storage_mode="memory",
    interpret_escapes=False,
    interpret_emojis=False,
    secure_logging=True,
)


class AppriseSettings(ChannelSettings):
    """One of `apprise_configs`."""

    url: SecretStr | None = None
    """As apprise documents it, e.g. `ntfys://ntfy.example.net/alerts`. This or `url_file`."""
    url_file: Path | None = None
    """Read at the start."""
    title: Template | None = None
    """Absent: Pantau's title."""
    text: Template | None = None
    """Absent: Pantau's text."""
    timeout: Timeout = 30.0
    """For one attempt."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        self.opened()
        return self

    def opened(self) -> Apprise:
        """apprise with this one service. ValueError if it knows none of that kind; the URL is not repeated."""
        found = secret_of("url", self.url, self.url_file)
        if found is None:
            raise ValueError("needs url or url_file")
        scheme = found.partition(":")[0].strip().lower()
        if scheme in LOCAL:
            raise ValueError(f"{scheme}:// does something on this machine, and is not allowed")
        opened = Apprise(asset=_ASSET)
        if not opened.add(found) or len(opened) != 1:
            raise ValueError(f"{scheme[:40]!r} is no service of apprise's, or its URL lacks something")
        return opened


def render(notice: Notice, settings: AppriseSettings, wording: Wording, longest: int) -> Payload:
    """The title and the text."""
    said = filled(settings.text, notice, wording, lambda: text(notice, wording, longest))
    return {
        "title": cut(filled(settings.title, notice, wording, lambda: title(notice, wording)), LONGEST_TITLE),
        "body": cut(said, longest),
        "type": "failure" if notice.status == "firing" else "success",
    }


def outcome_of(told: Iterable[str]) -> Outcome:
    """What failed, from the lines that a plugin of apprise's logged: it answers only whether it went well."""
    lines = [line for line in told if line]
    statuses = [int(found[1]) for line in lines for found in _STATUS.finditer(line)]
    if statuses:
        status, detail = statuses[-1], f"the service answered {statuses[-1]}"
        if status in _PASSING or status >= 500:
            return Retry(f"http_{status}", detail)
        return Permanent(f"http_{status}", detail)
    if any("onnection error" in line for line in lines):
        return Retry("connect", "no connection to the service")
    return Retry("apprise", "the service has not taken it, and apprise does not say why")


class AppriseChannel:
    """Tells one service."""

    kind = "apprise"
    deduplicates = False

    def __init__(self, settings: AppriseSettings, wording: Wording) -> None:
        self._settings, self._wording = settings, wording
        self._service = settings.opened()
        limit = getattr(self._service[0], "body_maxlen", DEFAULT_LENGTH)
        # The title takes its place where the service has none.
        self._longest = max(min(limit, DEFAULT_LENGTH) - LONGEST_TITLE - 2, limit // 2)
        self._calls = BlockingCalls()
        self._places = asyncio.Queue[str]()
        for number in range(MOST_AT_ONCE):
            self._places.put_nowait(f"apprise {number}")

    def render(self, notice: Notice) -> Payload:
        """The title and the text."""
        return render(notice, self._settings, self._wording, self._longest)

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One attempt, in a thread. The service may have got one that ends in `timeout`."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                place = await self._places.get()
        except TimeoutError:
            return Retry("timeout", "earlier calls have not returned")
        try:
            return await self._calls.call(place, partial(self._tell, payload), self._settings.timeout)
        except TimeoutError:
            return Retry("timeout", "no answer within the deadline")
        except Hanging:
            return Retry("timeout", "an earlier call has not returned")
        finally:
            self._places.put_nowait(place)

    async def close(self) -> None:
        """Nothing stays open."""

    def _tell(self, payload: Payload) -> Outcome:
        result = self._service.notify(
            body=payload["body"],
            title=payload["title"],
            notify_type=NotifyType(payload["type"]),
            body_format=NotifyFormat.TEXT,
        )
        return Delivered() if result else outcome_of(entry.message for entry in result.logs())


def _make(settings: Any, destination: str, context: Context) -> Channel:
    return AppriseChannel(settings, context.wording)


KIND = Kind(AppriseSettings, _make)
