"""Stock librouteros drives the simulated routers."""

# librouteros has no types.
# mypy: disable-error-code="import-not-found, import-untyped"

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from librouteros import async_connect, async_token, connect, token
from librouteros.exceptions import ConnectionClosed, FatalError, ProtocolError, TrapError
from librouteros.query import And, Key, Or

from infra.simulator.routeros.faults import Fault
from infra.simulator.routeros.fleet import Fleet, Served
from infra.simulator.routeros.menus import rows
from infra.simulator.routeros.router import Plan
from infra.simulator.routeros.wire import encode, read_sentence
from tests.conftest import eventually
from tests.integration.routers import StandingClock, fleet

NEW = Plan("new-1", "3")
OLD = Plan("old-1", "3", version="6.42.12 (long-term)", challenge_login=True)


@pytest.fixture
def time() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def routers(time: StandingClock) -> AsyncIterator[Fleet]:
    async with fleet(time, NEW, OLD) as running:
        yield running


async def logged_in(served: Served, **options: Any) -> Any:
    plan = served.router.plan
    login = async_token if plan.challenge_login else options.pop("login_method", None)
    more = {"login_method": login} if login else {}
    return await async_connect("127.0.0.1", plan.username, plan.password, port=served.port, **more, **options)


@pytest.mark.parametrize("name", ["new-1", "old-1"])
async def test_the_synchronous_client(routers: Fleet, time: StandingClock, name: str) -> None:
    served = routers.routers[name]
    truth = rows(served.router, "/ppp/active", time()) or []

    def drive() -> None:
        method = {"login_method": token} if served.router.plan.challenge_login else {}
        api = connect("127.0.0.1", "pantau", "rahasia", port=served.port, **method)
        assert [row["name"] for row in api.path("/ppp/active")] == [row["name"] for row in truth]
        (counted,) = api("/ppp/active/print", **{"count-only": ""})
        assert counted == {"ret": len(truth)}
        name, kind, mtu = Key("name"), Key("type"), Key("mtu")
        query = api.path("/interface").select(name, kind).where(Or(kind == "ether", kind == "vlan"))
        assert {row["type"] for row in query} == {"ether", "vlan"}
        assert all(set(row) == {"name", "type"} for row in query)
        query = api.path("/interface").select(name).where(And(kind != "pppoe-in", mtu < 1490))
        assert list(query) == []
        with pytest.raises(TrapError, match="no such command"):
            tuple(api("/caps-man/print"))
        with pytest.raises(TrapError, match="not enough permissions"):
            tuple(api("/interface/set", **{".id": "*1", "disabled": "yes"}))
        assert next(iter(api("/system/identity/print"))) == {"name": served.router.plan.name}
        api.close()

    await asyncio.to_thread(drive)


@pytest.mark.parametrize("name", ["new-1", "old-1"])
async def test_the_asynchronous_client(routers: Fleet, time: StandingClock, name: str) -> None:
    served = routers.routers[name]
    api = await logged_in(served)
    (resource,) = [row async for row in api.path("/system/resource")]
    assert resource["version"] == served.router.plan.version
    servers = [row["service-name"] async for row in api.path("/interface/pppoe-server/server")]
    sessions = served.router.sessions(time(), "pppoe")
    for server in servers:
        counted = [
            row async for row in api.rawCmd("/interface/pppoe-server/print", "=count-only=", f"?service={server}")
        ]
        assert counted == [{"ret": sum(one.subscriber.server == server for one in sessions)}]
    await api.close()


async def test_the_asynchronous_client_listens(routers: Fleet, time: StandingClock) -> None:
    served = routers.routers["new-1"]
    api = await logged_in(served)
    lan = served.router.interface("ether2-lan")

    async def plug_and_unplug() -> None:
        while True:  # from when on the router listens, a client can't know
            lan.unplug(time())
            await asyncio.sleep(0.3)
            lan.plug(time())
            await asyncio.sleep(0.3)

    busy = asyncio.create_task(plug_and_unplug())
    # The library's own call would wait for the end of the answer, which never comes.
    await api.protocol.writeSentence("/interface/listen", "=.proplist=name,running")
    (reply, first), (_, second) = [await api.readSentence() for _ in range(2)]
    busy.cancel()
    assert reply == "!re"
    assert first == {".id": "*2", "name": "ether2-lan", "running": first["running"]}
    assert second == first | {"running": not first["running"]}
    await api.close()


@pytest.mark.parametrize("name", ["new-1", "old-1"])
async def test_a_wrong_password_is_refused(routers: Fleet, name: str) -> None:
    served = routers.routers[name]
    served.router.password = "another"
    with pytest.raises(TrapError, match=r"user name or password|cannot log in"):
        await logged_in(served)


async def test_tls(time: StandingClock, tmp_path: Path) -> None:
    tls, trusting = server_tls(tmp_path)
    async with fleet(time, NEW, tls=tls) as running:
        api = await logged_in(running.routers["new-1"], ssl_wrapper=trusting)
        assert [row async for row in api.path("/system/identity")] == [{"name": "new-1"}]
        await api.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await logged_in(running.routers["new-1"], ssl_wrapper=ssl.create_default_context())


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (Fault.HANG, TimeoutError),
        (Fault.GARBAGE, ProtocolError),
        (Fault.DROP, ConnectionClosed),
        (Fault.FATAL, FatalError),
        (Fault.TRAP, TrapError),
    ],
)
async def test_faults_on_command(routers: Fleet, fault: Fault, raised: type[Exception]) -> None:
    served = routers.routers["new-1"]
    api = await logged_in(served, timeout=0.3)
    served.trouble.fault, served.trouble.command = fault, "/interface/print"
    assert [row async for row in api.path("/system/identity")]  # only that one command
    with pytest.raises(raised):
        [row async for row in api.path("/interface")]
    served.trouble.fault = Fault.NONE
    again = await logged_in(served)
    assert [row async for row in again.path("/interface")]
    await again.close()
    with contextlib.suppress(Exception):
        await api.close()


async def test_switched_off_and_on_again(routers: Fleet, time: StandingClock) -> None:
    served = routers.routers["new-1"]
    api = await logged_in(served)
    await routers.switch_off("new-1")
    with pytest.raises((ConnectionClosed, ConnectionError)):
        [row async for row in api.path("/system/resource")]
    with pytest.raises(ConnectionRefusedError):
        await logged_in(served)
    await routers.switch_on("new-1")
    time.move_on(5)
    api = await logged_in(served)
    (resource,) = [row async for row in api.path("/system/resource")]
    assert resource["uptime"] == "5s"
    await api.close()


class Raw:
    """The protocol without a library: librouteros has no tags."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, *words: str) -> None:
        self.writer.write(encode(words))
        await self.writer.drain()

    async def told(self) -> list[str]:
        return await asyncio.wait_for(read_sentence(self.reader), 60)


@contextlib.asynccontextmanager
async def raw(served: Served) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    yield Raw(reader, writer)
    writer.close()


async def test_tags_and_listen(routers: Fleet, time: StandingClock) -> None:
    served = routers.routers["new-1"]
    served.router.interfaces = served.router.interfaces[:2]
    served.router.cut({one.name for one in served.router.subscribers})
    async with raw(served) as api:
        await api.ask("/login", "=name=pantau", "=password=rahasia", ".tag=in")
        assert await api.told() == ["!done", ".tag=in"]
        await api.ask("/interface/listen", "=.proplist=name,running", ".tag=7")
        await api.ask("/system/identity/print", ".tag=8")
        assert await api.told() == ["!re", "=name=new-1", ".tag=8"]
        assert await api.told() == ["!done", ".tag=8"]
        served.router.interface("ether2-lan").unplug(time())
        assert await api.told() == ["!re", "=.id=*2", "=name=ether2-lan", "=running=false", ".tag=7"]
        del served.router.interfaces[0]
        told = [await api.told(), await api.told()]
        assert ["!re", "=.id=*2", "=.dead=true", ".tag=7"] in told
        await api.ask("/cancel", "=tag=7", ".tag=9")
        assert await api.told() == ["!trap", "=category=2", "=message=interrupted", ".tag=7"]
        assert await api.told() == ["!done", ".tag=7"]
        assert await api.told() == ["!done", ".tag=9"]
        await api.ask("/quit")
        assert await api.told() == ["!fatal", "session terminated on request"]


async def test_nothing_is_told_before_the_login_and_nonsense_ends_a_connection(routers: Fleet) -> None:
    served = routers.routers["new-1"]
    async with raw(served) as api:
        await api.ask("/interface/print")
        assert await api.told() == ["!fatal", "not logged in"]
        assert await api.reader.read() == b""
    async with raw(served) as api:
        api.writer.write(b"\xff\xff\xff")
        assert await asyncio.wait_for(api.reader.read(), 60) == b""

    async def all_gone() -> bool:
        return not served._clients

    await eventually(all_gone)


def server_tls(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(a router's context, one that trusts it)"""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run([*command, *subject, *files], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return tls, ssl.create_default_context(cafile=certificate)
