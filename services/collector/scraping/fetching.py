"""One HTTP request to a target: bounded in time and size, whatever the target does."""

import asyncio
import errno
import zlib
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp

from services.collector.core.scrape.errors import BadScrape
from services.collector.core.scrape.negotiation import accept
from services.collector.scraping.job_settings import JobSettings
from shared.service import VERSION

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10
# What is unpacked before others get their turn on the event loop.
PIECE = 1024 * 1024


class Fetched(NamedTuple):
    """What a target answered."""

    body: bytes
    content_type: str


class Fetcher:
    """Fetches the targets of one job, over connections that are kept."""

    def __init__(self, job: JobSettings, body_size_limit: int, other_hosts: bool, keep_seconds: float) -> None:
        """`other_hosts`: whether redirects may lead to another host; `keep_seconds`: how long idle connections live."""
        self._job, self._limit, self._other_hosts, self._keep = job, body_size_limit, other_hosts, keep_seconds
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Fetcher":
        tls = self._job.tls_config.context()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=self._keep, ttl_dns_cache=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, url: str, timeout_seconds: float) -> Fetched:
        """What `url` says. BadScrape with the reason if it can't be had whole and in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._follow(url, timeout_seconds)
        except TimeoutError as error:
            raise BadScrape("timeout", f"no whole answer within {timeout_seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise BadScrape(_reason(error), str(error) or type(error).__name__) from error
        except zlib.error as error:
            raise BadScrape("encoding", f"not gzip: {error}") from error
        except ValueError as error:  # of the URL, or of a file with credentials
            raise BadScrape("request", str(error)) from error

    async def _follow(self, url: str, timeout_seconds: float) -> Fetched:
        assert self._session is not None, "entered first"
        headers = {
            "Accept": accept(self._job.scrape_protocols),
            "Accept-Encoding": "gzip" if self._job.enable_compression else "identity",
            "User-Agent": f"Pantau/{VERSION}",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{timeout_seconds:g}",
        }
        if credentials := self._job.credentials():
            headers["Authorization"] = credentials
        for _ in range(MOST_REDIRECTS + 1):
            async with self._session.get(
                url,
                headers=headers,
                allow_redirects=False,
                server_hostname=self._job.tls_config.server_name if url.startswith("https:") else None,
            ) as response:
                if response.status not in REDIRECTS or "Location" not in response.headers:
                    return await self._read(response)
                url = self._redirected(url, response.headers["Location"], headers)
        raise BadScrape("redirect", f"more than {MOST_REDIRECTS} redirects")

    def _redirected(self, url: str, location: str, headers: dict[str, str]) -> str:
        if not self._job.follow_redirects:
            raise BadScrape("redirect", f"redirected to {location[:200]!r}, and follow_redirects is false")
        new = urljoin(url, location)
        here, there = urlsplit(url), urlsplit(new)
        if there.scheme not in ("http", "https"):
            raise BadScrape("redirect", f"redirected to {location[:200]!r}, which is neither http nor https")
        if there.hostname != here.hostname:
            if not self._other_hosts:
                raise BadScrape(
                    "redirect",
                    f"redirected to another host, {there.hostname}; if that is meant, set "
                    "scrape.allow_redirects_to_other_hosts",
                )
            headers.pop("Authorization", None)
        elif here.scheme == "https" and there.scheme == "http":
            headers.pop("Authorization", None)
        return new

    async def _read(self, response: aiohttp.ClientResponse) -> Fetched:
        if response.status != 200:
            raise BadScrape("http_status", f"HTTP {response.status} {(response.reason or '')[:80]}".rstrip())
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("gzip", "x-gzip", "identity", ""):
            raise BadScrape("encoding", f"Content-Encoding is {encoding[:40]!r}, which was not asked for")
        pieces = response.content.iter_any()
        body = bytearray()
        async for piece in _unpacked(pieces) if "gzip" in encoding else pieces:
            body += piece
            if len(body) > self._limit:
                response.close()
                raise BadScrape("body_size_limit", f"longer than body_size_limit ({self._limit} bytes)")
        return Fetched(bytes(body), response.headers.get("Content-Type", ""))


async def _unpacked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The content of gzip members in small pieces, so that a bomb is noticed before it goes off."""
    unpack = zlib.decompressobj(31)
    async for piece in pieces:
        rest = piece
        while rest:
            if unpack.eof:
                unpack = zlib.decompressobj(31)
            yield unpack.decompress(rest, PIECE)
            rest = unpack.unconsumed_tail or unpack.unused_data
            if rest:
                await asyncio.sleep(0)
    yield unpack.flush()
    if not unpack.eof:
        raise BadScrape("encoding", "the gzip stream ends too early")


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch):
        return "tls"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "refused" if error.os_error.errno == errno.ECONNREFUSED else "unreachable"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | aiohttp.ClientPayloadError):
        return "closed"
    if isinstance(error, aiohttp.ClientError):
        return "protocol"
    return "closed"
