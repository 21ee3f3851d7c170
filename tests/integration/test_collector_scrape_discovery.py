"""Targets that come and go: named in files, and in the DNS."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from prometheus_client import REGISTRY

from services.collector.core.scrape.targets import Group
from services.collector.scraping import discovery
from services.collector.scraping.discovery import Names
from services.collector.scraping.discovery_settings import DnsDiscoverySettings
from shared.messages.samples import Sample
from tests.conftest import eventually
from tests.integration.scrape_targets import endpoint, job, says
from tests.integration.test_collector_scrape import is_marker, scrapes


async def test_files_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "LOOK_SECONDS", 0.05)
    file = tmp_path / "targets.json"
    async with endpoint(says("a 1\n")) as one, endpoint(says("a 2\n")) as two:
        file.write_text(json.dumps([{"targets": [one.address], "labels": {"site": "kota"}}]))
        sd = [{"files": [f"{tmp_path}/*.json"]}]
        rules = [{"source_labels": ["__meta_filepath"], "target_label": "file", "regex": ".*/(.*)"}]
        async with job({}, file_sd_configs=sd, relabel_configs=rules) as (_, published):
            await scrapes(published, one.address)
            file.write_text("[{broken")
            more = tmp_path / "more.json"
            more.write_text(json.dumps([{"targets": [two.address]}]))
            await scrapes(published, two.address)
            before = len(published.of(one.address))
            await scrapes(published, one.address, more_than=before)  # what can't be read changes nothing
            more.unlink()

            async def over() -> list[Sample]:
                return next((published.of(two.address)[-1] for scrape in published.scrapes if scrape.ended), [])

            last = await eventually(over)
            still = len(published.of(one.address))
            await scrapes(published, one.address, more_than=still)
    assert {sample.series.partition("{")[0] for sample in last} >= {"a", "up", "scrape_duration_seconds"}
    assert all(is_marker(sample.value) for sample in last)
    assert any(
        'file="targets.json"' in sample.series and 'site="kota"' in sample.series
        for sample in published.of(one.address)[0]
    )
    failures = REGISTRY.get_sample_value("pantau_scrape_discovery_failures_total", {"job": "shop", "mechanism": "file"})
    assert failures


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yml", "- targets: [a:1, 'b:2']\n  labels: {x: y}\n", ""),
        ("a.json", "[]", ""),
        ("a.yaml", "", ""),
        ("a.json", "{", "Expecting"),
        ("a.yml", "a: [", "expected"),
        ("a.yml", "- {target: [a]}", "0.targets"),
        ("a.yml", "- {targets: [a], labels: {'b-c': d}}", "not a label name"),
    ],
)
def test_what_files_may_hold(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    found = discovery.read_file(tmp_path / name)
    if told:
        assert isinstance(found, str)
        assert told in found
    elif text.startswith("- targets"):
        assert found == [Group(("a:1", "b:2"), (("x", "y"), ("__meta_filepath", str(tmp_path / name))))]
    else:
        assert found == []


class Zone(asyncio.DatagramProtocol):
    """A DNS server that knows what a test says."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.silent = False
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        (question,) = query.question
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        if self.silent:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif records := self.records.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        assert self.transport is not None
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def zone() -> AsyncIterator[tuple[Zone, dns.asyncresolver.Resolver]]:
    """The server, and a resolver that asks it."""
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(Zone, local_addr=("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    try:
        yield made, resolver
    finally:
        transport.close()


class Told:
    """What a provider found last, and how often."""

    def __init__(self) -> None:
        self.groups: dict[str, list[Group]] = {}
        self.times = 0

    def __call__(self, name: str, groups: object) -> None:
        assert isinstance(groups, list)
        self.groups[name] = groups
        self.times += 1

    async def until(self, times: int) -> None:
        async def told() -> bool:
            return self.times >= times

        await eventually(told)


async def test_names_are_asked_for_again_and_again() -> None:
    settings = DnsDiscoverySettings.model_validate(
        {"names": ["_m._tcp.example.", "none.example."], "refresh_interval": "1s"}
    )
    quick = settings.model_copy(update={"refresh_interval": 50})
    told = Told()
    async with zone() as (server, resolver):
        server.records["_m._tcp.example.", "SRV"] = ["0 0 9100 one.example.", "0 0 9101 two.example."]
        task = asyncio.create_task(Names("names", quick, resolver).run(told))
        try:
            await told.until(2)
            found = {group.targets[0]: dict(group.labels) for group in told.groups["_m._tcp.example."]}
            assert found == {
                f"{host}.example:{port}": {
                    "__meta_dns_name": "_m._tcp.example.",
                    "__meta_dns_srv_record_target": f"{host}.example.",
                    "__meta_dns_srv_record_port": str(port),
                }
                for host, port in (("one", 9100), ("two", 9101))
            }
            assert told.groups["none.example."] == []
            server.silent = True

            async def counted() -> bool:
                labels = {"job": "names", "mechanism": "dns"}
                return (REGISTRY.get_sample_value("pantau_scrape_discovery_failures_total", labels) or 0) >= 2

            await eventually(counted)
            assert len(told.groups["_m._tcp.example."]) == 2  # they stay
            server.records["_m._tcp.example.", "SRV"] = ["0 0 9100 one.example."]
            server.silent = False

            async def fewer() -> bool:
                return len(told.groups["_m._tcp.example."]) == 1

            await eventually(fewer)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("kind", "record", "address"), [("A", "10.0.0.7", "10.0.0.7:80"), ("AAAA", "fd00::7", "[fd00::7]:80")]
)
async def test_addresses_get_the_port(kind: str, record: str, address: str) -> None:
    settings = DnsDiscoverySettings.model_validate({"names": ["a.example."], "type": kind, "port": 80})
    told = Told()
    async with zone() as (server, resolver):
        server.records["a.example.", kind] = [record]
        task = asyncio.create_task(Names("names", settings, resolver).run(told))
        try:
            await told.until(1)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    (group,) = told.groups["a.example."]
    assert group.targets == (address,)
