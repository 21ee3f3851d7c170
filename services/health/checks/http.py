"""Whether an HTTP service answers as expected."""

import ssl
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.client_proto import ResponseHandler

from services.health.check import Check, Figures, Finding, judged
from services.health.core.complaints import Complaint
from services.health.core.http_answers import of_body, of_headers, of_status, same_origin, same_site, shown
from services.health.core.judgments import of_time
from services.health.core.results import HTTP_STATUS
from services.health.reasons import of_connection
from services.health.settings import Settings
from services.health.target_settings import HttpTargetSettings
from services.health.tls import certificate_of
from shared import clock
from shared.service import VERSION

KIND = "http"
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
CHUNK = 64 * 1024


class _Answer(NamedTuple):
    """What came back, to its end or to the most that is read."""

    url: str
    status: int
    headers: dict[str, str]
    text: str
    cut: bool
    tls: ssl.SSLObject | None


class _Response(aiohttp.ClientResponse):
    """One that remembers the TLS it came over: its connection may be gone once it is read."""

    tls: ssl.SSLObject | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Read the head."""
        protocol: ResponseHandler | None = connection.protocol
        if protocol is not None and protocol.transport is not None:
            self.tls = protocol.transport.get_extra_info("ssl_object")
        return await super().start(connection)


class HttpCheck:
    """A connection of its own each time: what new clients would meet."""

    kind = KIND

    def __init__(self, settings: HttpTargetSettings, interval_seconds: float, deadline_seconds: float) -> None:
        self.name = f"{KIND}:{settings.name}"
        self._settings = settings
        self._tls = settings.tls.context()
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds
        asked = {settings.url} if urlsplit(settings.url).query else set()
        self.secrets = frozenset(asked | {value for value in settings.request_headers().values() if value})

    async def run(self) -> Finding:
        """Ask, follow redirects where that is allowed, and judge the last answer."""
        settings, began = self._settings, clock.elapsed()
        details: dict[str, Any] = {"url": shown(settings.url)}
        try:
            headers = settings.request_headers()
        except ValueError as error:
            return judged([Complaint("unhealthy", "settings", str(error))], details)
        self.secrets |= frozenset(value for value in headers.values() if value)
        connector = aiohttp.TCPConnector(ssl=self._tls, force_close=True, limit=1)
        try:
            async with aiohttp.ClientSession(
                connector=connector,
                response_class=_Response,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"pantau-health/{VERSION}"},
            ) as session:
                answer, complaints = await self._follow(session, headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return judged([of_connection(error, self.secrets)], details)
        return self._judge(answer, complaints, clock.elapsed() - began, details)

    def _judge(self, answer: _Answer, complaints: list[Complaint], seconds: float, details: dict[str, Any]) -> Finding:
        settings = self._settings
        certificate = certificate_of(answer.tls, settings.tls, clock.now_ms())
        if not complaints:  # else the answer is not the one that the expectations are about
            complaints = [
                *of_status(answer.status, settings.statuses),
                *of_headers(answer.headers, settings.response_headers),
                *of_body(answer.text, settings.body_contains, settings.body_matches, cut=answer.cut),
            ]
        complaints = [*complaints, *certificate.complaints, *of_time(seconds, settings.degraded_seconds)]
        details |= {"http_status": answer.status} | certificate.details
        if answer.url != settings.url:
            details["redirected_to"] = shown(answer.url)
        figures: Figures = ((HTTP_STATUS, float(answer.status)), *certificate.figures)
        return judged(complaints, details, figures)

    async def _follow(self, session: aiohttp.ClientSession, headers: dict[str, str]) -> tuple[_Answer, list[Complaint]]:
        """The last answer, and what was wrong on the way there."""
        settings = self._settings
        url, method, body = settings.url, settings.method, settings.body
        for _ in range(MOST_REDIRECTS + 1):
            # Another site is told no secrets.
            sent = headers if same_origin(settings.url, url) else {}
            answer = await self._ask(session, method, url, sent, body)
            location = answer.headers.get("location")
            if settings.redirects == "none" or answer.status not in REDIRECTS or location is None:
                return answer, []
            url = urljoin(url, location)
            if not url.startswith(("http://", "https://")):
                return answer, [Complaint("unhealthy", "redirect", "it redirects to something that is not HTTP")]
            if settings.redirects == "same_host" and not same_site(answer.url, url):
                return answer, [Complaint("unhealthy", "redirect", f"it redirects elsewhere, to {shown(url)}")]
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, body = "GET", ""  # as browsers do, and RFC 9110 allows
        return answer, [Complaint("unhealthy", "redirect", f"more than {MOST_REDIRECTS} redirects")]

    async def _ask(
        self, session: aiohttp.ClientSession, method: str, url: str, headers: dict[str, str], body: str
    ) -> _Answer:
        data = body.encode() if body else None
        own = url.startswith("https:") and urlsplit(url).hostname == urlsplit(self._settings.url).hostname
        name = self._settings.tls.server_name if own else None
        async with session.request(
            method, url, headers=headers, data=data, allow_redirects=False, server_hostname=name
        ) as response:
            text, cut = await self._text(response)
            assert isinstance(response, _Response)
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return _Answer(url, response.status, lowered, text, cut, response.tls)

    async def _text(self, response: aiohttp.ClientResponse) -> tuple[str, bool]:
        """The body as text where something is expected of it, and whether it goes on beyond the most that is read."""
        settings = self._settings
        if settings.body_contains is None and settings.body_matches is None:
            return "", False
        read = bytearray()
        while len(read) <= settings.most_bytes:
            chunk = await response.content.read(min(CHUNK, settings.most_bytes + 1 - len(read)))
            if not chunk:
                break
            read += chunk
        text = bytes(read[: settings.most_bytes])
        try:
            decoded = text.decode(response.charset or "utf-8", errors="replace")
        except LookupError:
            decoded = text.decode(errors="replace")
        return decoded, len(read) > settings.most_bytes


def checks(settings: Settings) -> list[Check]:
    """One check for each target, `http:<name>`."""
    own = settings.health
    return [HttpCheck(one, own.interval_of(one), own.deadline_of(one)) for one in own.http if one.enabled]
