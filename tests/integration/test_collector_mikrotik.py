"""The mikrotik source against simulated routers: every value is compared with the simulator's own truth."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.simulator.routeros import menus
from infra.simulator.routeros.faults import Fault
from infra.simulator.routeros.fleet import Fleet, Served
from infra.simulator.routeros.router import PLANS, Plan
from infra.simulator.routeros.subscribers import Service, Session
from services.collector.scheduler import Reader
from services.collector.source import Reading
from services.collector.sources import all_sources
from services.collector.sources.mikrotik import LatencySource, MikrotikSource
from shared.messages.samples import Sample
from shared.messages.series import labels_of
from shared.routeros.errors import REASONS
from tests.conftest import eventually
from tests.integration.routers import StandingClock, entry, fleet, settings
from tests.integration.test_routeros_simulator import server_tls

SERVICES: tuple[Service, ...] = ("pppoe", "hotspot")
SEVEN = Plan("core-1", "5")
SIX = Plan("old-1", "5", version="6.42.12 (long-term)", challenge_login=True, pppoe=90, hotspot=15)


@pytest.fixture
def time() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def routers(time: StandingClock) -> AsyncIterator[Fleet]:
    async with fleet(time, SEVEN, SIX) as running:
        yield running


def source(path: Path, served: Served, more: Mapping[str, object] | None = None, **section: object) -> MikrotikSource:
    """The source for that router."""
    (made,), _ = fleet_sources(path, entry(served, **(more or {})), **section)
    return made


def fleet_sources(
    path: Path, *entries: dict[str, object], **section: object
) -> tuple[list[MikrotikSource], LatencySource]:
    """The sources for these routers, and the one for how long they take."""
    made = all_sources(settings(path / "pantau.yaml", *entries, **section))
    (latency,) = [one for one in made if isinstance(one, LatencySource)]
    return [one for one in made if isinstance(one, MikrotikSource)], latency


class Values:
    """The samples of a reading, by metric and labels."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._values = {sample.series: sample.value for sample in reading.samples}
        assert len(self._values) == len(reading.samples)

    def all(self, metric: str, *labels: str) -> dict[Any, float]:
        """The values of `metric`, by these labels (one: its value, several: a tuple of them)."""
        found = {}
        for series, value in self._values.items():
            known = labels_of(series)
            if known["__name__"] == metric:
                found[known.get(labels[0], "") if len(labels) == 1 else tuple(known.get(n, "") for n in labels)] = value
        return found

    def one(self, metric: str, **labels: str) -> float:
        """The value of the only series of `metric` with these labels."""
        (value,) = [
            value
            for series, value in self._values.items()
            if (known := labels_of(series))["__name__"] == metric and labels.items() <= known.items()
        ]
        return value

    def errors(self) -> dict[str, float]:
        """The errors that were counted, by reason."""
        return {reason: n for reason, n in self.all("mikrotik_sync_errors_total", "reason").items() if n}


async def read(one: MikrotikSource | LatencySource, time: StandingClock) -> Values:
    return Values(await one.read(time()))


@pytest.mark.parametrize("name", ["core-1", "old-1"])
async def test_all_values_are_the_routers(routers: Fleet, time: StandingClock, tmp_path: Path, name: str) -> None:
    served = routers.routers[name]
    router, plan, now = served.router, served.router.plan, time()
    router.unreachable.add("10.255.0.1")
    router.broken.add("psu2")
    router.cut({one.name for one in router.subscribers if one.service == "pppoe" and one.number % 7 == 0})
    router.interface("ether3-radio").unplug(now - 60_000)
    one = source(tmp_path, served, {"site": "Kota"}, sessions_by=["server", "profile"], queues_near_percent=90)
    got = await read(one, time)
    assert (got.reading.failure, got.reading.problems, got.errors()) == ("", (), {})
    assert got.one("mikrotik_up") == got.one("mikrotik_connection_status") == 1

    info = {"site": "Kota", "version": plan.version, "board": plan.board, "architecture": plan.architecture}
    assert got.one("mikrotik_info", router=name, **info) == 1
    (resource,) = menus.rows(router, "/system/resource", now) or []
    assert got.one("mikrotik_cpu_usage_percent") == router.cpu_percent(now)
    assert got.one("mikrotik_uptime_seconds") == (now - router.booted_ms) / 1000
    assert got.one("mikrotik_memory_total_bytes") == plan.memory_bytes
    assert got.one("mikrotik_memory_used_bytes") == plan.memory_bytes - int(resource["free-memory"])
    assert got.one("mikrotik_storage_usage_percent") == pytest.approx(40, abs=0.01)

    sensors = menus.health(router, now)
    for metric, unit in (
        ("temperature_celsius", "C"),
        ("voltage_volts", "V"),
        ("fan_speed_rpm", "RPM"),
        ("power_watts", "W"),
    ):
        expected = {sensor: float(value) for sensor, value, of in sensors if of == unit}
        assert got.all(f"mikrotik_{metric}", "sensor") == expected != {}
    assert got.all("mikrotik_hardware_ok", "sensor") == {"psu1-state": 1, "psu2-state": 0}
    assert got.one("mikrotik_unclean_reboot") == 0

    counters = {one.name: one.counters(router.booted_ms, now) for one in router.interfaces}
    for metric, of in (
        ("receive_bytes", "rx-byte"),
        ("transmit_bytes", "tx-byte"),
        ("receive_errors", "rx-error"),
        ("transmit_errors", "tx-error"),
        ("receive_drops", "rx-drop"),
        ("link_downs", "link-downs"),
    ):
        truth = {interface: counts[of] for interface, counts in counters.items()}
        assert got.all(f"mikrotik_interface_{metric}_total", "interface") == truth
    running = {one.name: float(one.name != "ether3-radio") for one in router.interfaces}
    assert got.all("mikrotik_interface_running", "interface") == running

    sessions: dict[str, list[Session]] = {service: router.sessions(now, service) for service in SERVICES}
    assert got.all("mikrotik_active_users", "service") == {service: len(of) for service, of in sessions.items()}
    assert got.all("mikrotik_disabled_users", "service") == {"pppoe": len(router.cut_off), "hotspot": 0}
    for label in ("server", "profile"):
        online = Counter(
            (service, getattr(session.subscriber, label)) for service, of in sessions.items() for session in of
        )
        counted = got.all(f"mikrotik_{label}_active_users", "service", label)
        assert {key: value for key, value in counted.items() if value} == online

    limits = {profile: (upload, download) for profile, upload, download in PLANS}
    use = {}
    for session in sessions["pppoe"]:
        subscriber = session.subscriber
        rates = menus.queue_rate(subscriber, *limits[subscriber.profile], now)
        use[f"<pppoe-{subscriber.name}>"] = max(
            100 * rate / limit for rate, limit in zip(rates, limits[subscriber.profile], strict=True)
        )
    near = {queue: percent for queue, percent in use.items() if percent >= 90}
    assert got.one("mikrotik_queues_near_limit") == len(near)
    told = got.all("mikrotik_queue_usage_percent", "queue")
    assert set(got.all("mikrotik_queue_usage_percent", "dynamic")) == {"true"}
    assert len(told) == min(10, len(near)) > 0
    assert all(value == pytest.approx(near[queue]) for queue, value in told.items())

    assert got.all("mikrotik_netwatch_up", "host") == {"8.8.8.8": 1, "1.1.1.1": 1, "10.255.0.1": 0}
    bound = len(sessions["hotspot"])
    assert got.all("mikrotik_dhcp_leases", "status") == {"bound": bound, "other": plan.hotspot - bound}
    for pool, service, subscribers in (
        (menus.PPPOE_POOL, "pppoe", plan.pppoe),
        (menus.HOTSPOT_POOL, "hotspot", plan.hotspot),
    ):
        size = round(1.1 * subscribers)
        assert got.one("mikrotik_ip_pool_size", pool=pool) == size
        assert got.one("mikrotik_ip_pool_used", pool=pool) == len(sessions[service])
        assert got.one("mikrotik_ip_pool_usage_percent", pool=pool) == 100 * len(sessions[service]) / size
    assert got.one("mikrotik_firewall_connections") == menus.connections(router, now)
    assert got.one("mikrotik_firewall_connections_max") == menus.MOST_CONNECTIONS


async def test_how_long_commands_took_is_told_of_all_routers_together(
    routers: Fleet, time: StandingClock, tmp_path: Path
) -> None:
    both, latency = fleet_sources(tmp_path, *(entry(served) for served in routers.routers.values()))
    assert (await latency.read(time())).samples == []
    for one in (*both, both[0]):
        assert (await read(one, time)).reading.failure == ""
    got = await read(latency, time)
    calls = got.all("mikrotik_api_latency_seconds_count", "host", "method", "endpoint")
    assert calls["mon-1", "login", "/login"] == 2
    assert calls["mon-1", "print", "/system/resource"] == 3
    assert calls["mon-1", "print", "/ip/pool/used"] == 6
    buckets = got.all("mikrotik_api_latency_seconds_bucket", "host", "method", "endpoint", "le")
    assert {of[:3]: count for of, count in buckets.items() if of[3] == "+Inf"} == calls
    assert len({sample.series for sample in got.reading.samples}) == len(got.reading.samples)


async def test_rates_are_between_readings_and_none_across_a_reboot(
    routers: Fleet, time: StandingClock, tmp_path: Path
) -> None:
    served = routers.routers["core-1"]
    one = source(tmp_path, served, parts=["interfaces"])
    first = await read(one, time)
    assert first.all("mikrotik_interface_receive_bytes_per_second", "interface") == {}
    time.move_on(60)
    second = await read(one, time)
    for direction in ("receive", "transmit"):
        before, after = (got.all(f"mikrotik_interface_{direction}_bytes_total", "interface") for got in (first, second))
        rates = second.all(f"mikrotik_interface_{direction}_bytes_per_second", "interface")
        assert rates == pytest.approx({name: (after[name] - before[name]) / 60 for name in after})
        assert min(rates.values()) > 0
    assert served.connections == 1  # kept open
    await routers.switch_off("core-1")
    await routers.switch_on("core-1")
    time.move_on(60)
    assert (await one.read(time())).failure == "closed"
    rebooted = await read(one, time)
    assert rebooted.one("mikrotik_uptime_seconds") == 60
    assert rebooted.all("mikrotik_interface_receive_bytes_per_second", "interface") == {}
    assert served.connections == 2


async def test_the_log_tells_a_cut_of_power_from_a_reboot_and_is_read_once_after_each(
    routers: Fleet, time: StandingClock, tmp_path: Path
) -> None:
    served = routers.routers["core-1"]
    (one,), latency = fleet_sources(tmp_path, entry(served), parts=["reboots"])
    told = []
    for happens in (None, None, "switched off and on", "rebooted"):
        if happens == "switched off and on":
            await routers.switch_off("core-1")
            await routers.switch_on("core-1")
            time.move_on(60)
            assert (await one.read(time())).failure == "closed"
        elif happens == "rebooted":
            served.router.reboot(time())
        got = await read(one, time)
        reads = (await read(latency, time)).all("mikrotik_api_latency_seconds_count", "endpoint")["/log"]
        told.append((got.one("mikrotik_unclean_reboot"), reads))
    assert told == [(0, 1), (0, 1), (1, 2), (0, 3)]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.HANG, "timeout"),
        (Fault.FLOOD, "protocol"),
        (Fault.GARBAGE, "protocol"),
        (Fault.HUGE, "protocol"),
        (Fault.DROP, "closed"),
        (Fault.FATAL, "fatal"),
    ],
)
@pytest.mark.parametrize("command", ["/login", "/tool/netwatch/print"])
async def test_what_goes_wrong_is_told_apart_and_over_when_it_is_over(
    routers: Fleet, time: StandingClock, tmp_path: Path, fault: Fault, reason: str, command: str
) -> None:
    served = routers.routers["core-1"]
    deadline = 2.0 if fault is Fault.HANG else 60.0
    one = source(tmp_path, served, deadline_seconds=deadline, parts=["netwatch"])
    served.trouble.fault, served.trouble.command = fault, command
    got = await read(one, time)
    assert got.reading.failure == reason
    assert got.one("mikrotik_up") == got.one("mikrotik_connection_status") == 0
    assert got.errors() == {reason: 1}
    # What had been read before stays.
    assert len(got.all("mikrotik_uptime_seconds", "router")) == (command != "/login")
    served.trouble.fault = Fault.NONE
    again = await read(one, time)
    assert again.one("mikrotik_up") == 1
    assert again.errors() == {reason: 1}


async def test_a_command_that_fails_costs_its_part_only(routers: Fleet, time: StandingClock, tmp_path: Path) -> None:
    served = routers.routers["core-1"]
    one = source(tmp_path, served)
    served.trouble.fault, served.trouble.command = Fault.TRAP, "/tool/netwatch/print"
    got = await read(one, time)
    assert (got.reading.failure, got.reading.problems, got.errors()) == ("", ("trap",), {"trap": 1})
    assert got.one("mikrotik_up") == 1
    assert got.all("mikrotik_netwatch_up", "host") == {}
    assert got.one("mikrotik_firewall_connections") > 0
    assert served.connections == 1


async def test_a_menu_that_a_router_lacks_is_asked_for_once(
    routers: Fleet, time: StandingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = routers.routers["core-1"]
    for menu in ("/ip/hotspot/active", "/tool/netwatch"):
        monkeypatch.delitem(menus.MENUS, menu)
    one = source(tmp_path, served)
    for _ in range(2):
        got = await read(one, time)
        assert got.all("mikrotik_active_users", "service").keys() == {"pppoe"}
        assert got.one("mikrotik_firewall_connections") > 0
        assert got.errors() == {"trap": 2}


async def test_refused_unreachable_wrong_password(routers: Fleet, time: StandingClock, tmp_path: Path) -> None:
    new, old = routers.routers["core-1"], routers.routers["old-1"]
    for served in (new, old):
        served.router.password = "another"
        got = await read(source(tmp_path, served), time)
        assert (got.reading.failure, got.one("mikrotik_up")) == ("login", 0)
    nowhere = source(tmp_path, new, {"host": "no-such-host.invalid"})
    assert (await nowhere.read(time())).failure == "unreachable"
    await routers.switch_off("core-1")
    assert (await source(tmp_path, new).read(time())).failure == "refused"


async def test_a_password_file_is_read_again_at_each_login(routers: Fleet, time: StandingClock, tmp_path: Path) -> None:
    served = routers.routers["core-1"]
    secret = tmp_path / "secret"
    secret.write_text("old one\n")
    one = source(tmp_path, served, {"password": None, "password_file": str(secret)})
    assert (await one.read(time())).failure == "login"
    secret.write_text("rahasia\n")
    assert (await one.read(time())).failure == ""


async def test_more_interfaces_than_wanted_are_cut_and_counted(
    routers: Fleet, time: StandingClock, tmp_path: Path
) -> None:
    got = await read(source(tmp_path, routers.routers["core-1"], most_interfaces=2, parts=["interfaces"]), time)
    assert set(got.all("mikrotik_interface_running", "interface")) == {"ether1-uplink", "ether2-lan"}
    assert got.errors() == {"too_many": 1}


async def test_tls_and_a_certificate_that_nobody_knows(time: StandingClock, tmp_path: Path) -> None:
    tls, _ = server_tls(tmp_path)
    async with fleet(time, SEVEN, tls=tls) as running:
        served = running.routers["core-1"]
        trusted = {"tls": {"enabled": True, "ca_file": str(tmp_path / "certificate.pem")}}
        assert (await source(tmp_path, served, trusted).read(time())).failure == ""
        blind = {"tls": {"enabled": True, "insecure_skip_verify": True}}
        assert (await source(tmp_path, served, blind).read(time())).failure == ""
        assert (await source(tmp_path, served, {"tls": {"enabled": True}}).read(time())).failure == "tls"


async def test_tls_without_any_certificate(time: StandingClock, tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers("AECDH:@SECLEVEL=0")
    async with fleet(time, SEVEN, tls=tls) as running:
        served = running.routers["core-1"]
        anonymous = {"tls": {"enabled": True, "anonymous": True}}
        assert (await source(tmp_path, served, anonymous).read(time())).failure == ""
        # How a router ends a handshake without a cipher in common is up to it: with an alert, or without a word.
        verifying = source(tmp_path, served, {"tls": {"enabled": True}})
        assert (await verifying.read(time())).failure in ("tls", "closed")


async def test_a_router_in_trouble_delays_no_other(time: StandingClock, tmp_path: Path) -> None:
    faults = [Fault.HANG, Fault.GARBAGE, Fault.DROP, Fault.HUGE, Fault.NONE, Fault.NONE, Fault.NONE]
    plans = [Plan(f"r-{number}", "5", pppoe=20, hotspot=5) for number in range(len(faults))]
    async with fleet(time, *plans) as running:
        for served, fault in zip(running.routers.values(), faults, strict=True):
            served.trouble.fault = fault
        running.routers["r-4"].trouble.latency_seconds = 0.02  # a slow link
        entries = [entry(served) for served in running.routers.values()]
        running.routers["r-6"].router.password = "another"
        chosen = settings(tmp_path / "pantau.yaml", *entries, interval_seconds=1, deadline_seconds=60)
        ups: dict[str, list[float]] = {plan.name: [] for plan in plans}
        reasons: dict[str, set[str]] = {plan.name: set() for plan in plans}

        def publish(one: object, samples: list[Sample]) -> None:
            values = {sample.series: sample.value for sample in samples}
            name = getattr(one, "name", "").removeprefix("mikrotik/")
            ups[name].append(values[f'mikrotik_up{{router="{name}"}}'])
            errors = {
                reason: values[f'mikrotik_sync_errors_total{{reason="{reason}",router="{name}"}}'] for reason in REASONS
            }
            reasons[name] |= {reason for reason, count in errors.items() if count}

        made = [one for one in all_sources(chosen) if isinstance(one, MikrotikSource)]
        for one in made:
            one.interval_seconds = 0.1
            if one.name == "mikrotik/r-0":
                one.deadline_seconds = 0.5
        readers = [Reader(one, publish, longest_pause_seconds=0.2) for one in made]
        tasks = [asyncio.create_task(reader.run()) for reader in readers]

        async def each_had_its_turn() -> bool:
            return all(len(of) >= 2 for of in ups.values()) and len(ups["r-5"]) >= 5

        try:
            await eventually(each_had_its_turn)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    told = {"r-0": {"timeout"}, "r-1": {"protocol"}, "r-2": {"closed"}, "r-3": {"protocol"}, "r-6": {"login"}}
    assert reasons == {name: told.get(name, set()) for name in ups}
    assert {name: set(of) for name, of in ups.items()} == {name: {float(name not in told)} for name in ups}
