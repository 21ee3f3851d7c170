"""One conversation over HTTP with a gateway: bounded answers, no redirects, errors with a reason."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self, TypeVar

import aiohttp

from shared import clock
from shared.whatsapp.errors import GatewayError

LONGEST_ANSWER = 1024 * 1024
NO_JSON = object()
"""What `as_json` gives for what is none; null is a value."""
T = TypeVar("T")

Measured = Callable[[str, str, float], None]
"""Told (method, endpoint, seconds) of each request that was answered."""


class Client:
    """Use it as an async context manager. Deadlines are the caller's."""

    def __init__(self, measured: Measured = lambda method, endpoint, seconds: None) -> None:
        self._measured = measured

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(
        self, method: str, url: str, endpoint: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> Any:
        """The JSON that `url` answers. `endpoint` is its name in metrics and errors, without ids or secrets.
        GatewayError otherwise."""
        found = as_json(await self.tell(method, url, endpoint, headers, json=body))
        if found is NO_JSON:
            raise GatewayError("bad_json", f"{endpoint}: the answer is not JSON")
        return found

    async def tell(self, method: str, url: str, endpoint: str, headers: Mapping[str, str], **sent: Any) -> bytes:
        """What `url` answers to the body `json`, or to the form's fields `data`. GatewayError as above."""
        began = clock.elapsed()
        try:
            async with self._session.request(
                method, url, headers=dict(headers), allow_redirects=False, **sent
            ) as response:
                text = await _read(response, endpoint)
                self._measured(method, endpoint, clock.elapsed() - began)
                _check_status(response, endpoint, text)
                return text
        except aiohttp.ClientError as error:
            raise GatewayError(_reason(error), f"{endpoint}: {_words(error)}") from None


def as_json(text: bytes) -> Any:
    """What `text` says; NO_JSON if that is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return NO_JSON


async def _read(response: aiohttp.ClientResponse, endpoint: str) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_chunked(64 * 1024):
        size += len(part)
        if size > LONGEST_ANSWER:
            raise GatewayError("too_large", f"{endpoint}: the answer is longer than {LONGEST_ANSWER} bytes")
        parts.append(part)
    return b"".join(parts)


def _check_status(response: aiohttp.ClientResponse, endpoint: str, text: bytes) -> None:
    status = response.status
    if 200 <= status < 300:
        return
    if status in (401, 403):
        reason = "unauthorized"
    elif 300 <= status < 400:
        reason = "redirected"
    elif status == 429:
        reason = "rate_limited"
    else:
        reason = "server_error" if status >= 500 else "http_error"
    answer = as_json(text)
    raise GatewayError(
        reason,
        f"{endpoint}: the gateway answered {status}",
        status,
        None if answer is NO_JSON else answer,
        response.headers.get("Retry-After"),
    )


def _reason(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "tls"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "refused" if isinstance(error.os_error, ConnectionRefusedError) else "unreachable"
    if isinstance(error, aiohttp.ServerTimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ServerConnectionError | aiohttp.ClientPayloadError | aiohttp.ClientOSError):
        return "closed"
    return "http_error"


def _words(error: aiohttp.ClientError) -> str:
    """Why, without the URL, which may hold what is nobody's business."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or type(error.os_error).__name__
    return type(error).__name__


async def within(seconds: float, asked: Awaitable[T]) -> T:
    """What `asked` gives. GatewayError `timeout` after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError:
        raise GatewayError("timeout", f"no answer within {seconds:g} s") from None
