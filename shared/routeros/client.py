"""A connection to a router that is kept open: one command at a time, through librouteros' async API.

librouteros waits and reads without a limit of its own; here every exchange has a deadline and every answer a bound, and
whatever goes wrong is told apart by a short reason.
"""

# librouteros has no types.
# mypy: disable-error-code="import-not-found, import-untyped"

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple

from librouteros import async_connect
from librouteros.exceptions import (
    ConnectionClosed,
    FatalError,
    LibRouterosError,
    MultiTrapError,
    ProtocolError,
    TrapError,
)
from librouteros.login import encode_password

from shared import clock
from shared.routeros.errors import RouterError
from shared.routeros.settings import PLAIN_PORT, TLS_PORT, MikrotikSettings, RouterSettings

MOST_BYTES = 16 * 1024 * 1024
MOST_ROWS = 20_000
LOGIN_BYTES = 4 * 1024
CHUNK_BYTES = 64 * 1024
# Whoever calls has a deadline for all of it, which comes sooner.
CONNECT_SECONDS = 300.0

Row = dict[str, str]
Measured = Callable[[str, str, float], None]
"""Told (method, endpoint, seconds) of each command that was answered, e.g. ("print", "/interface", 0.012)."""


class Target(NamedTuple):
    """Where a router is and how we log in."""

    host: str
    port: int
    username: str
    password: Callable[[], str]
    """Asked at each login. ValueError if it can't be had."""
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, settings: MikrotikSettings, router: RouterSettings) -> "Target":
        """The target that `router` of the section `settings` is."""
        section_tls = settings.tls.context() if settings.tls else None
        tls = router.tls.context() if router.tls else section_tls
        port = router.port or settings.port or (TLS_PORT if tls else PLAIN_PORT)
        username = router.username or settings.username or ""
        return cls(router.host, port, username, lambda: settings.password_of(router), tls)


class Connection:
    """A connection that is made when it is needed and kept until something goes wrong with it."""

    def __init__(self, target: Target, measured: Measured = lambda method, endpoint, seconds: None) -> None:
        self._target, self._measured = target, measured
        self._api: Any = None
        self._bounded: _Bounded | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is one now."""
        return self._api is not None

    async def open(self) -> None:
        """Connect and log in, unless that is done. RouterError with the reason."""
        if self._api is not None:
            return
        began = clock.elapsed()
        try:
            password = self._target.password()
        except ValueError as error:
            raise RouterError("login", str(error)) from error
        try:
            self._api = await async_connect(
                self._target.host,
                self._target.username,
                password,
                port=self._target.port,
                timeout=CONNECT_SECONDS,
                encoding="utf-8",
                ssl_wrapper=self._target.tls,
                login_method=self._log_in,
            )
        except (_LoginRefused, LibRouterosError, OSError, ValueError, LookupError, TypeError) as error:
            raise _router_error(error) from error
        self._measured("login", "/login", clock.elapsed() - began)

    async def rows(self, menu: str, properties: str, *queries: str) -> list[Row]:
        """The items of `menu` that `queries` mean, with `properties` (comma-separated). RouterError with the reason."""
        rows, _ = await self._ask(menu, f"=.proplist={properties}", *queries)
        return rows

    async def count(self, menu: str, *queries: str) -> int:
        """How many items of `menu` the `queries` mean; the router counts them. RouterError with the reason."""
        _, done = await self._ask(menu, "=count-only=", "=.proplist=.id", *queries)
        try:
            return int(done["ret"])
        except (KeyError, ValueError) as error:
            self.abort()
            raise RouterError("protocol", f"{menu}: count-only was answered with {done!r}") from error

    def abort(self) -> None:
        """End the connection now, without a farewell that a hanging router would make us wait for."""
        if self._bounded is not None:
            self._bounded.abort()
        self._api = self._bounded = None

    async def _log_in(self, api: Any, username: str, password: str) -> None:
        """librouteros' `login_method`: as of 6.43; a router from before answers with a challenge, which is met."""
        self._bounded = api.protocol.transport = _Bounded(api.protocol.transport)
        api.protocol.timeout = None  # a task for each sentence is the price of librouteros' own deadline
        try:
            answered = [row async for row in api("/login", name=username, password=password)]
            if answered and "ret" in answered[0]:
                response = encode_password(str(answered[0]["ret"]), password)
                [_ async for _ in api("/login", name=username, response=response)]
        except BaseException as error:
            self.abort()
            if isinstance(error, TrapError | MultiTrapError):
                raise _LoginRefused(str(error)) from error
            if isinstance(error, UnicodeEncodeError):
                raise _LoginRefused("this router takes ASCII passwords only") from error
            raise

    async def _ask(self, menu: str, *words: str) -> tuple[list[Row], Row]:
        """(rows, what `!done` said). A trap leaves the connection in order, anything else ends it."""
        if self._api is None or self._bounded is None:
            raise RouterError("closed", "not connected")
        began = clock.elapsed()
        self._bounded.refill()
        try:
            rows, traps, done = await self._exchange(self._api.protocol, f"{menu}/print", *words)
        except BaseException as error:
            self.abort()
            if isinstance(error, LibRouterosError | OSError | ValueError | LookupError):
                raise _router_error(error) from error
            raise
        self._measured("print", menu, clock.elapsed() - began)
        if traps:
            raise RouterError("trap", f"{menu}: {'; '.join(traps)}")
        return rows, done

    async def _exchange(self, protocol: Any, *sentence: str) -> tuple[list[Row], list[str], Row]:
        """(rows, the messages of traps, what `!done` said). Values stay texts: a user may be called `true` or `0123`,
        which librouteros' own reader would take for something else."""
        await protocol.writeSentence(*sentence)
        rows: list[Row] = []
        traps: list[str] = []
        while True:
            reply, words = await protocol.readSentence()
            row = dict(map(_attribute, words))
            if reply == "!re":
                rows.append(row)
                if len(rows) > MOST_ROWS:
                    raise ProtocolError(f"more than {MOST_ROWS} rows")
            elif reply == "!trap":
                traps.append(row.get("message", "no message"))
            elif reply == "!done":
                return rows, traps, row
            elif reply != "!empty":  # which says since 7.18 that there are no rows
                raise ProtocolError(f"reply {reply[:40]!r}")


class _Bounded:
    """librouteros' transport, with bounds on what a router may send."""

    def __init__(self, transport: Any) -> None:
        self._reader: asyncio.StreamReader = transport.reader
        self._writer: asyncio.StreamWriter = transport.writer
        self._left = LOGIN_BYTES
        self._held, self._at = b"", 0

    def refill(self) -> None:
        """The next answer begins."""
        self._left = MOST_BYTES

    async def read(self, length: int) -> bytes:
        self._left -= length
        if self._left < 0:
            raise ProtocolError(f"a word of {length} bytes: the answer is longer than it may be")
        if self._at + length > len(self._held):
            await self._receive(length)
        begin, self._at = self._at, self._at + length
        return self._held[begin : self._at]

    async def _receive(self, length: int) -> None:
        """Hold what has come, at least `length` bytes: words are short, and a call of the stream for each is dear."""
        kept = [self._held[self._at :]]
        missing = length - len(kept[0])
        while missing > 0:
            received = await self._reader.read(CHUNK_BYTES)
            if not received:
                raise ConnectionClosed("the router closed the connection")
            kept.append(received)
            missing -= len(received)
        self._held, self._at = b"".join(kept), 0

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self.abort()
        with contextlib.suppress(OSError):  # it is over already, and has been told
            await self._writer.wait_closed()

    def abort(self) -> None:
        self._writer.transport.abort()


class _LoginRefused(Exception):
    """The router knows no such user and password."""


def _attribute(word: str) -> tuple[str, str]:
    before, equals, rest = word.partition("=")
    name, second, value = rest.partition("=")
    if before or not equals or not second:
        raise ProtocolError(f"word {word[:80]!r} is not of the form =name=value")
    return name, value


def _router_error(error: BaseException) -> RouterError:
    text = str(error) or type(error).__name__
    if isinstance(error, _LoginRefused):
        return RouterError("login", text)
    if isinstance(error, FatalError):
        return RouterError("fatal", text)
    if isinstance(error, ConnectionClosed | ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return RouterError("closed", text)
    if isinstance(error, TimeoutError):
        return RouterError("timeout", text)
    if isinstance(error, ConnectionRefusedError):
        return RouterError("refused", text)
    if isinstance(error, ssl.SSLError | ssl.CertificateError):
        return RouterError("tls", text)
    if isinstance(error, socket.gaierror):
        return RouterError("unreachable", f"host name: {text}")
    return RouterError("unreachable" if isinstance(error, OSError) else "protocol", text)
