"""The checks of targets against real servers on this machine: HTTP, TLS, TCP, DNS, echo requests."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import icmplib  # type: ignore[import-untyped]
import pytest
from aiohttp import web

from infra.local import ports
from services.health.checks.dns import DnsCheck
from services.health.checks.http import HttpCheck
from services.health.checks.icmp import IcmpCheck
from services.health.checks.tcp import TcpCheck
from services.health.runner import Runner
from services.health.target_settings import (
    DnsTargetSettings,
    HttpTargetSettings,
    IcmpTargetSettings,
    TcpTargetSettings,
)
from shared import clock
from shared.messages.health import HealthResult
from tests.integration.test_health_checks import silent_server
from tests.integration.tls_servers import Identity, identity

DAY = 86_400


async def http(url: str, deadline: float = 20.0, **settings: Any) -> HealthResult:
    target = HttpTargetSettings.model_validate({"name": "t", "url": url} | settings)
    return await Runner(HttpCheck(target, 60.0, deadline), lambda _: None).run_once()


async def tcp(port: int, deadline: float = 20.0, **settings: Any) -> HealthResult:
    target = TcpTargetSettings.model_validate({"name": "t", "host": "127.0.0.1", "port": port} | settings)
    return await Runner(TcpCheck(target, 60.0, deadline), lambda _: None).run_once()


def why(found: HealthResult) -> tuple[str, str]:
    """(status, reason)"""
    return found.status, found.details.get("reason", "")


@asynccontextmanager
async def site(
    *routes: tuple[str, Callable[[web.Request], Awaitable[web.StreamResponse]]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """The address of a web server with these pages."""
    app = web.Application()
    for path, page in routes:
        app.router.add_route("*", path, page)
    runner = web.AppRunner(app)
    await runner.setup()
    (port,) = ports.free()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def portal(_: web.Request) -> web.Response:
    return web.Response(text="<title>Portal</title> Selamat datang", content_type="text/html")


async def test_an_answer_as_expected() -> None:
    async def login(request: web.Request) -> web.Response:
        fine = request.method == "POST" and await request.text() == "a=1" and request.headers["X-Key"] == "k3y"
        return web.Response(status=201 if fine else 400)

    async with site(("/", portal), ("/login", login)) as url:
        found = await http(
            url,
            body_contains="Selamat",
            body_matches="(?i)<TITLE>portal",
            response_headers={"content-type": "^text/html"},
        )
        assert found.status == "healthy", found.details
        assert found.details["http_status"] == 200
        assert found.figures == {"health_check_http_status_code": 200.0}
        posted = await http(f"{url}/login", method="POST", headers={"X-Key": "k3y"}, body="a=1", statuses=[201])
        assert posted.status == "healthy", posted.details


async def test_an_answer_that_is_not_as_expected_says_what_is_wrong() -> None:
    async def broken(_: web.Request) -> web.Response:
        return web.Response(status=502, text="Bad gateway")

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response()

    async with site(("/", portal), ("/broken", broken), ("/slow", slow)) as url:
        found = await http(f"{url}/broken")
        assert why(found) == ("unhealthy", "status")
        assert found.details["error"] == "the status is 502, not 200-299"
        assert why(await http(url, body_contains="Sampai jumpa")) == ("unhealthy", "body")
        assert why(await http(url, response_headers={"Strict-Transport-Security": "."})) == ("unhealthy", "header")
        assert why(await http(f"{url}/slow", degraded_seconds=0.01)) == ("degraded", "slow")


async def test_redirects_are_followed_to_the_same_host_and_secrets_nowhere_else() -> None:
    seen: list[str | None] = []

    async def target(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(text="here")

    async with site(("/target", target)) as other:

        async def inside(_: web.Request) -> web.Response:
            raise web.HTTPFound("/target")

        async def outside(_: web.Request) -> web.Response:
            raise web.HTTPFound(f"{other.replace('127.0.0.1', 'localhost')}/target")

        async def circle(_: web.Request) -> web.Response:
            raise web.HTTPFound("/circle")

        async with site(("/target", target), ("/in", inside), ("/out", outside), ("/circle", circle)) as url:
            secret: dict[str, Any] = {"headers": {"Authorization": "Bearer s3cr3t"}}
            found = await http(f"{url}/in", body_contains="here", **secret)
            assert found.status == "healthy", found.details
            assert found.details["redirected_to"] == f"{url}/target"
            assert why(await http(f"{url}/out", **secret)) == ("unhealthy", "redirect")
            assert (await http(f"{url}/out", redirects="any", **secret)).status == "healthy"
            assert seen == ["Bearer s3cr3t", None]
            assert why(await http(f"{url}/in", redirects="none")) == ("unhealthy", "status")
            assert (await http(f"{url}/in", redirects="none", statuses=["302"])).status == "healthy"
            assert why(await http(f"{url}/circle")) == ("unhealthy", "redirect")


async def test_an_endless_answer_is_read_to_its_limit_only() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65_536)
        return response

    async with site(("/", endless)) as url:
        found = await http(url, body_contains="y", most_bytes=200_000)
    assert why(found) == ("unhealthy", "body")
    assert "beginning of the body" in found.details["error"]


async def test_what_is_wrong_with_the_way_is_told_apart() -> None:
    (port,) = ports.free()
    assert why(await http(f"http://127.0.0.1:{port}/")) == ("unhealthy", "refused")
    assert why(await http("http://nowhere.invalid/")) == ("unhealthy", "name")
    async with silent_server() as port:
        assert why(await http(f"http://127.0.0.1:{port}/", deadline=0.3)) == ("unhealthy", "timeout")
        assert why(await http(f"https://127.0.0.1:{port}/", deadline=0.3)) == ("unhealthy", "timeout")

    async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.net ESMTP\r\n")
        await writer.drain()
        writer.close()

    async def nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    for talk, reason in ((garbage, "protocol"), (nothing, "closed")):
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert why(await http(f"http://127.0.0.1:{port}/")) == ("unhealthy", reason)
        server.close()
    async with site(("/", portal)) as url:
        assert why(await http(url.replace("http:", "https:"))) == ("unhealthy", "tls")


async def test_a_secret_header_is_told_nobody(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hunter2\n")
    found = await http("http://127.0.0.1:1/?hunter2", header_files={"X-Key": str(file)})
    assert found.status == "unhealthy"
    assert "hunter2" not in found.details["error"]
    file.unlink()
    target = HttpTargetSettings.model_construct(name="t", url="http://127.0.0.1:1/", header_files={"X-Key": file})
    with pytest.raises(ValueError, match="can't be read"):
        target.request_headers()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Identity]:
    directory = tmp_path_factory.mktemp("tls")
    return {days: identity(directory, days) for days in (400, 10, 2, -1)}


@pytest.mark.parametrize(
    ("days", "status", "reason"),
    [(400, "healthy", ""), (10, "degraded", "certificate"), (2, "unhealthy", "certificate"), (-1, "unhealthy", "tls")],
)
async def test_a_certificate_that_runs_out(
    certificates: dict[int, Identity], days: int, status: str, reason: str
) -> None:
    made = certificates[days]
    tls = {"ca_file": str(made.certificate)}
    async with site(("/", portal), tls=made.context()) as url:
        # The body is read, by which the connection is gone, and is not.
        bodies: list[dict[str, Any]] = [{}, {"body_contains": "Selamat"}]
        for expected in bodies:
            found = await http(url, tls=tls, **expected)
            assert why(found) == (status, reason), found.details
        over_tcp = await tcp(int(url.rpartition(":")[2]), tls=tls)
        assert why(over_tcp) == (status, reason), over_tcp.details
    if days > 0:
        (expiry,) = (value for name, value in found.figures.items() if "expiry" in name)
        assert expiry == pytest.approx(clock.now_ms() / 1000 + days * DAY, abs=600)
        assert found.details["certificate_days_left"] == pytest.approx(days, abs=0.1)
        assert over_tcp.figures["health_check_certificate_expiry_timestamp_seconds"] == expiry
    else:
        assert "expired" in found.details["error"]


async def test_a_certificate_of_nobody_we_trust(certificates: dict[int, Identity]) -> None:
    async with site(("/", portal), tls=certificates[400].context()) as url:
        assert why(await http(url)) == ("unhealthy", "tls")
        assert (await http(url, tls={"insecure_skip_verify": True})).status == "healthy"
        wrong = url.replace("127.0.0.1", "127.0.0.2")
        tls = {"ca_file": str(certificates[400].certificate)}
        assert why(await http(wrong, tls=tls))[0] == "unhealthy"


async def test_a_certificate_may_be_for_another_name_and_ours_may_be_asked_for(
    certificates: dict[int, Identity],
) -> None:
    made = certificates[400]
    demanding = made.context()
    demanding.verify_mode = ssl.CERT_REQUIRED
    demanding.load_verify_locations(made.certificate)
    trusted = {"ca_file": str(made.certificate)}
    shown = trusted | {"cert_file": str(made.certificate), "key_file": str(made.key)}
    async with site(("/", portal), tls=demanding) as url:
        port = int(url.rpartition(":")[2])
        for tls, status in (
            (shown, "healthy"),
            (trusted, "unhealthy"),
            (shown | {"server_name": "localhost"}, "healthy"),
            (shown | {"server_name": "elsewhere"}, "unhealthy"),
        ):
            assert (await http(url, tls=tls)).status == status, tls
        assert (await tcp(port, tls=shown | {"server_name": "localhost"})).status == "healthy"
        assert why(await tcp(port, tls=shown | {"server_name": "elsewhere"})) == ("unhealthy", "tls")


@asynccontextmanager
async def talker(says: bytes, after: bytes = b"") -> AsyncIterator[int]:
    """The port of a server that says something, perhaps only once it has been told `after`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after:
            await reader.readexactly(len(after))
        # In two parts: a banner may come in any.
        for part in (says[:2], says[2:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_port_that_takes_connections_and_its_banner() -> None:
    async with talker(b"220 mail.example.net ESMTP\r\n") as port:
        assert (await tcp(port)).status == "healthy"
        found = await tcp(port, banner="^220 .*ESMTP")
        assert found.status == "healthy", found.details
        assert found.details["banner"] == "220 mail.example.net ESMTP"
        wrong = await tcp(port, banner="^SSH-", deadline=1.0)
        assert why(wrong) == ("unhealthy", "banner")
    async with talker(b"+PONG\r\n", after=b"PING\r\n") as port:
        assert (await tcp(port, send="PING\r\n", banner=r"^\+PONG")).status == "healthy"
    async with silent_server() as port:
        assert why(await tcp(port, banner="^220", deadline=0.4)) == ("unhealthy", "timeout")
        assert (await tcp(port)).status == "healthy"
    (port,) = ports.free()
    assert why(await tcp(port)) == ("unhealthy", "refused")
    assert why(await tcp(port, host="localhost")) == ("unhealthy", "refused")
    assert why(await tcp(25, host="nowhere.invalid")) == ("unhealthy", "name")


class NameServer(asyncio.DatagramProtocol):
    """Answers from its records, refuses what begins with `refused`, and is silent about what begins with `silent`."""

    def __init__(self, lost: int = 0) -> None:
        self.asked: list[str] = []
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: Any) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name = question.name.to_text()
        self.asked.append(name)
        if name.startswith("silent") or len(self.asked) <= self._lost:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name.startswith("refused"):
            response.set_rcode(dns.rcode.REFUSED)
        elif name.startswith("failing"):
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not name.endswith("example.net."):
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            self._fill(response, question)
        self._transport.sendto(response.to_wire(), address)

    def _fill(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        records = {"A": ["203.0.113.7", "203.0.113.8"], "MX": ["10 mail.example.net."], "TXT": ['"v=spf1 -all"']}
        kind = dns.rdatatype.to_text(question.rdtype)
        if kind in records:
            response.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *records[kind]))


@asynccontextmanager
async def name_server(lost: int = 0) -> AsyncIterator[tuple[int, NameServer]]:
    """A name server's port, and the server. It loses the first datagrams."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(lost), local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1], server
    finally:
        transport.close()


async def ask(port: int, query: str, deadline: float = 10.0, **settings: Any) -> HealthResult:
    target = DnsTargetSettings.model_validate(
        {"name": "t", "query": query, "resolver": "127.0.0.1", "port": port} | settings
    )
    return await Runner(DnsCheck(target, 60.0, deadline), lambda _: None).run_once()


async def test_a_name_server_that_answers() -> None:
    async with name_server() as (port, server):
        found = await ask(port, "portal.example.net")
        assert found.status == "healthy", found.details
        assert found.details["answers"] == ["203.0.113.7", "203.0.113.8"]
        assert found.details["ttl_seconds"] == 300
        assert (await ask(port, "portal.example.net", expected=["203.0.113.8"])).status == "healthy"
        assert why(await ask(port, "portal.example.net", expected=["203.0.113.8"], only=True)) == (
            "unhealthy",
            "answer",
        )
        assert why(await ask(port, "portal.example.net", expected=["192.0.2.1"])) == ("unhealthy", "answer")
        assert (await ask(port, "example.net", type="MX", expected=["10 mail.example.net"])).status == "healthy"
        assert (await ask(port, "example.net", type="TXT", expected=["v=spf1 -all"], only=True)).status == "healthy"
        assert why(await ask(port, "example.net", type="AAAA")) == ("unhealthy", "no_answer")
        assert server.asked.count("portal.example.net.") == 4, "nothing is remembered"


@pytest.mark.parametrize(
    ("query", "reason"),
    [("nowhere.invalid", "no_such_name"), ("refused.example.net", "refused"), ("failing.example.net", "servfail")],
)
async def test_a_name_server_that_says_no(query: str, reason: str) -> None:
    async with name_server() as (port, _):
        assert why(await ask(port, query)) == ("unhealthy", reason)


async def test_a_name_server_that_is_silent_and_one_that_loses_a_datagram() -> None:
    async with name_server() as (port, _):
        assert why(await ask(port, "silent.example.net", deadline=0.5)) == ("unhealthy", "timeout")
    async with name_server(lost=1) as (port, server):
        assert (await ask(port, "portal.example.net", deadline=3.0)).status == "healthy"
        assert len(server.asked) == 2


async def ping(host: str, deadline: float = 5.0, **settings: Any) -> HealthResult:
    target = IcmpTargetSettings.model_validate({"name": "t", "host": host} | settings)
    return await Runner(IcmpCheck(target, 60.0, deadline), lambda _: None).run_once()


def permitted() -> bool:
    """Whether this process may send echo requests at all."""
    for kind in (False, True):
        try:
            icmplib.ping("127.0.0.1", count=1, timeout=1, privileged=kind)
        except icmplib.SocketPermissionError:
            continue
        return True
    return False


async def test_echo_requests() -> None:
    if not permitted():
        found = await ping("127.0.0.1")
        assert why(found) == ("degraded", "not_permitted")
        pytest.skip("this process may not send echo requests")
    found = await ping("127.0.0.1", count=2)
    assert found.status == "healthy", found.details
    assert found.figures["health_check_packet_loss_percent"] == 0
    assert 0 < found.figures["health_check_round_trip_seconds"] < 5
    assert why(await ping("127.0.0.1", count=1, degraded_seconds=0.000_000_1)) == ("degraded", "slow")
    assert why(await ping("nowhere.invalid")) == ("unhealthy", "name")
    # Nobody has an address of that class.
    assert why(await ping("240.0.0.1", count=1, deadline=0.5)) == ("unhealthy", "loss")


async def test_without_permission_the_reason_and_the_way_out_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object, privileged: bool, **__: object) -> None:
        raise icmplib.SocketPermissionError(privileged)

    monkeypatch.setattr(icmplib, "async_ping", refused)
    found = await ping("127.0.0.1")
    assert why(found) == ("degraded", "not_permitted")
    assert "ping_group_range" in found.details["error"]
