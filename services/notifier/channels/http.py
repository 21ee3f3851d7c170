"""Requests of channels: one session each, a deadline, no redirects, and every end of a request as an outcome."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDict

from services.notifier.channels.http_settings import HttpConfig
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.retrying import asked_wait_seconds
from shared import clock
from shared.service import VERSION

RETRIED = frozenset({408, 429})
USER_AGENT = f"Pantau/{VERSION}"
LONGEST_ANSWER = 64 * 1024
# The notifier bounds the requests to a destination; this bounds what one channel may open, whatever asks.
MOST_CONNECTIONS = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    retry_after: str | None = None
    text: str = ""
    """At most LONGEST_ANSWER bytes of the body."""
    now_ms: int = 0

    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


Judge = Callable[[Answer], Outcome]


def verdict(answer: Answer) -> Outcome:
    """What an HTTP status means."""
    status, said = answer.status, f"the receiver answered {answer.status}"
    if 200 <= status < 300:
        return Delivered()
    if status in RETRIED or status >= 500:
        return Retry(f"http_{status}", said, asked_wait_seconds(answer.retry_after, answer.now_ms))
    if 300 <= status < 400:
        return Permanent(f"http_{status}", f"{said}, and redirects are not followed")
    return Permanent(f"http_{status}", said)


def trouble(error: Exception) -> Retry:
    """What an error on the way means. Its text is left out: it may hold the URL."""
    if isinstance(error, TimeoutError):
        return Retry("timeout", "no answer within the deadline")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Retry("dns", "the receiver's name is not known")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Retry("tls", "no secure connection to the receiver")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Retry("connect", "no connection to the receiver")
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return Retry("reset", "the receiver cut the connection")
    return Retry("protocol", f"the receiver does not speak HTTP as it should: {type(error).__name__}")


def json_body(payload: Any) -> bytes:
    """Compact JSON. ValueError for NaN and infinities, which JSON has not."""
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


class Http:
    """A session that is opened with the first request; use it in one event loop, and close it."""

    def __init__(self, config: HttpConfig, deadline_seconds: float) -> None:
        """`deadline_seconds` is for one request, from connecting to the end of the answer."""
        self._config, self._deadline_seconds = config, deadline_seconds
        self._tls = config.tls_config.context()
        self._proxy = None if config.proxy_url is None else config.proxy_url.get_secret_value()
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], judge: Judge = verdict, method: str = "POST"
    ) -> Outcome:
        """One request. The receiver may have got one that ends in `timeout` or `reset`."""
        try:
            sent = await self._headers(headers)
        except ValueError as error:
            return Retry("credentials", str(error))
        try:
            async with asyncio.timeout(self._deadline_seconds) as deadline:
                response = await self._opened().request(
                    method,
                    url,
                    data=body,
                    headers=sent,
                    allow_redirects=False,
                    proxy=self._proxy,
                    server_hostname=self._config.tls_config.server_name,
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return trouble(error)
        async with response:
            text = await _text(response, deadline.when())
            return judge(Answer(response.status, response.headers.get("Retry-After"), text, clock.now_ms()))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS, ssl=self._tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    async def _headers(self, headers: Mapping[str, str]) -> CIMultiDict[str]:
        """ValueError naming a file that can't be read any more."""
        config = self._config
        own = await asyncio.to_thread(_own_headers, config) if config.reads_files else _own_headers(config)
        for name, value in ({"User-Agent": USER_AGENT} | dict(headers)).items():
            own[name] = value
        return own


def _own_headers(config: HttpConfig) -> CIMultiDict[str]:
    found = CIMultiDict(config.headers())
    if (credentials := config.credentials()) is not None:
        found["Authorization"] = credentials
    return found


async def _text(response: aiohttp.ClientResponse, until: float | None) -> str:
    parts, left = [], LONGEST_ANSWER
    with suppress(aiohttp.ClientError, OSError, TimeoutError):  # the outcome came with the status, this is its text
        async with asyncio.timeout_at(until):
            while left > 0 and (part := await response.content.read(left)):
                parts.append(part)
                left -= len(part)
    return b"".join(parts).decode(errors="replace")
