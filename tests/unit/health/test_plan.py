"""What the settings make of targets: names, damping, dependencies, and what is refused where."""

from pathlib import Path

import pytest

from services.health.checks import all_checks
from services.health.core.damping import Damping
from services.health.plan import Terms, terms_of
from services.health.settings import Settings
from shared.settings import BadSettings, load

ROUTERS = """
mikrotik:
  username: pantau
  password: rahasia
  routers: [{name: core-1, host: 127.0.0.1}, {name: edge-7, host: 127.0.0.1}]
"""
TARGETS = """
health:
  interval_seconds: 20
  mikrotik: {failures: 2, behind: {edge-7: ["mikrotik:core-1"]}}
  http:
    - {name: portal, url: "http://127.0.0.1/", depends_on: ["mikrotik:edge-7"], failures: 3, successes: 2}
    - {name: billing, url: "https://127.0.0.1/", interval_seconds: 60, enabled: false}
    - {name: pay, url: "https://127.0.0.1/"}
  tcp: [{name: smtp, host: 127.0.0.1, port: 25, banner: "^220 "}]
  dns: [{name: own, query: example.net, resolver: 127.0.0.1}]
  icmp: [{name: gw, host: 127.0.0.1, interval_seconds: 5}]
"""


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "pantau.yaml"
    path.write_text(text)
    return load(Settings, {}, path)


def terms(settings: Settings) -> dict[str, Terms]:
    return terms_of(settings, all_checks(settings))


def test_each_target_is_a_check_and_of_several_there_is_the_sum(tmp_path: Path) -> None:
    checks = {check.name: check for check in all_checks(read(tmp_path, ROUTERS + TARGETS))}
    targets = {"http:portal", "http:pay", "tcp:smtp", "dns:own", "icmp:gw", "mikrotik:core-1", "mikrotik:edge-7"}
    assert set(checks) == {"database", "disk_space", "kafka", "memory", "http", "mikrotik"} | targets
    assert {checks[name].kind for name in ("http", "http:portal", "http:pay")} == {"http"}
    assert (checks["icmp:gw"].interval_seconds, checks["http"].interval_seconds) == (5.0, 20.0)


def test_damping_and_dependencies_are_those_of_the_target(tmp_path: Path) -> None:
    found = terms(read(tmp_path, ROUTERS + TARGETS))
    assert found["http:portal"].damping == Damping(3, 2)
    assert found["http:portal"].depends_on == ("mikrotik:edge-7",)
    assert found["http:portal"].ancestors == ("mikrotik:edge-7", "mikrotik:core-1")
    assert found["http:pay"] == found["database"] == Terms()
    assert found["mikrotik:edge-7"] == Terms(Damping(2, 1), ("mikrotik:core-1",), ("mikrotik:core-1",))
    assert found["mikrotik:core-1"].depends_on == ()
    assert found["mikrotik"] == Terms()


def test_a_single_router_bears_the_settings_of_its_kind(tmp_path: Path) -> None:
    one = "mikrotik: {username: a, password: b, routers: [{name: r, host: h}]}\n"
    found = terms(read(tmp_path, one + "health: {mikrotik: {failures: 4}, memory: {depends_on: [mikrotik]}}"))
    assert found["mikrotik"].damping == Damping(4, 1)
    assert found["memory"].ancestors == ("mikrotik",)


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        ("http: [{name: a, url: 'ftp://x/'}]", r"health.http.0.url: is not of the form"),
        ("http: [{name: a, url: 'http://u:p@x/'}]", r"health.http.0.url: holds a password"),
        ("http: [{name: a b, url: 'http://x/'}]", r"health.http.0.name"),
        ("http: [{name: a, url: 'http://x/'}, {name: a, url: 'http://y/'}]", r"two targets are called a"),
        ("http: [{name: a, url: 'http://x/', statuses: [2xx]}]", r"health.http.0.statuses.0"),
        ("http: [{name: a, url: 'http://x/', body_matches: '(a'}]", r"not a regular expression"),
        ("http: [{name: a, url: 'http://x/', header_files: {A: /nowhere}}]", r"/nowhere can't be read"),
        ("http: [{name: a, url: 'http://x/', tls: {degraded_days: 1}}]", r"unhealthy_days must not be above"),
        ("http: [{name: a, url: 'http://x/', tls: {ca_file: /nowhere}}]", r"/nowhere can't be used"),
        ("tcp: [{name: a, host: x, port: 70000}]", r"health.tcp.0.port"),
        ("dns: [{name: a, query: x, resolver: ns1.example.net}]", r"health.dns.0.resolver"),
        ("dns: [{name: a, query: x, only: true}]", r"`expected`"),
        ("icmp: [{name: a, host: x, unhealthy_percent: 100}]", r"must be below 100"),
        ("memory: {failures: 0}", r"health.memory.failures"),
        ("memory: {depends_on: [disk]}", r"health.memory.depends_on: there is no check 'disk'; there are database"),
        (
            "memory: {depends_on: [kafka]}, kafka: {depends_on: [memory]}",
            r"goes in a circle: kafka -> memory -> kafka",
        ),
        ("mikrotik: {behind: {edge-9: [kafka]}}", r"health.mikrotik.behind: no router 'edge-9' is checked"),
        (
            "icmp: [{name: a, host: x, depends_on: ['tcp:b']}], tcp: [{name: b, host: x, port: 1, enabled: false}]",
            r"health.icmp.a.depends_on: there is no check 'tcp:b'",
        ),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(tmp_path: Path, health: str, reason: str) -> None:
    with pytest.raises(BadSettings, match=reason) as refused:
        read(tmp_path, f"health: {{{health}}}")
    assert str(refused.value).startswith(str(tmp_path / "pantau.yaml"))
