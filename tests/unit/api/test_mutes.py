"""What keeps alerts from being told: each kind, until when, and for whom; and who is told otherwise."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.api.core.mutes import Firing, MuteChanges, Mutes, Subject
from services.api.core.route_preview import Site, preview
from shared.messages.access import Recipient
from shared.messages.alerts import CurrentAlert, alert_id, episode_id, fingerprint
from shared.messages.health import HealthResult, Status
from shared.messages.message import instant_from_text
from shared.messages.silences import Silence
from shared.routing.configuration import parse_routing
from shared.routing.dependencies import Dependencies, DependencyRule
from shared.routing.matchers import Matcher
from shared.routing.parents import Parents
from shared.routing.settings import NotificationsSettings
from shared.routing.silencing import applies, is_muting

NOW = instant_from_text("2026-11-24T03:00:00Z")  # 10:00 in Jakarta
HOUR_MS = 3_600_000
ROUTING = parse_routing(
    """
route:
  receiver: ops
  routes:
    - {matchers: [team="billing"], receiver: billing, continue: true, mute_time_intervals: [mornings]}
    - {matchers: [team="night"], receiver: night, active_time_intervals: [nights]}
    - {matchers: [team="billing"], receiver: ops}
receivers: [{name: ops}, {name: billing}, {name: night}]
inhibit_rules:
  - {source_matchers: [alertname="SiteDown"], target_matchers: [alertname!="SiteDown"], equal: [site]}
time_intervals:
  - {name: mornings, time_intervals: [{times: [{start_time: "06:00", end_time: "12:00"}], location: Asia/Jakarta}]}
  - {name: nights, time_intervals: [{times: [{start_time: "20:00", end_time: "24:00"}], location: Asia/Jakarta}]}
""",
    "alertmanager.yml",
)


def silence(id: str = "s", *matchers: tuple[str, str, str], **more: Any) -> Silence:
    given = [{"name": name, "operator": operator, "value": value} for name, operator, value in matchers]
    fields = {
        "id": id,
        "kind": "silence",
        "matchers": given or [{"name": "alertname", "value": "Slow"}],
        "starts_at": NOW - 1,
        "ends_at": NOW + HOUR_MS,
        "created_by": "ani",
        "created_at": NOW,
        "comment": "known",
    }
    return Silence.model_validate(fields | more)


def mutes(*silences: Silence, firing: tuple[Firing, ...] = (), parents: Parents | None = None) -> Mutes:
    return Mutes(ROUTING, silences, firing, parents or Parents(Dependencies()), NOW)


def result(check: str, status: Status, *depends_on: str, checked_at: int = NOW - 1) -> HealthResult:
    return HealthResult(
        check=check,
        kind="ping",
        status=status,
        response_time_ms=1.0,
        checked_at=checked_at,
        valid_until=NOW + 1,
        depends_on=list(depends_on),
    )


def told(found: Mutes, labels: dict[str, str], alert: str | None = "a") -> list[tuple[str, str, int | None]]:
    return [(one.by, one.name, one.until) for one in found.of(Subject(labels, alert, None if alert is None else 5))]


def test_each_kind_says_who_or_what_and_until_when() -> None:
    acknowledged = silence("k", kind="acknowledgement", alert_id="a", episode=5, created_by="budi")
    down = Firing("d", "SiteDown", {"alertname": "SiteDown", "site": "jkt"})
    parents = Parents(Dependencies())
    parents.checks.put(result("http:portal", "unhealthy", "ping:core-1"))
    parents.checks.put(result("ping:core-1", "unhealthy"))
    found = mutes(silence(), acknowledged, firing=(down,), parents=parents)
    labels = {"alertname": "Slow", "site": "jkt", "service": "http:portal", "team": "night"}
    assert told(found, labels) == [
        ("acknowledgement:k", "budi", NOW + HOUR_MS),
        ("silence:s", "ani", NOW + HOUR_MS),
        ("inhibited:d", "SiteDown", None),
        ("dependency:ping:core-1", "ping:core-1", None),
        ("mute-time:nights", "nights", instant_from_text("2026-11-24T13:00:00Z")),
    ]
    assert told(found, labels, None)[0][0] == "silence:s", "labels alone were acknowledged by nobody"
    assert told(found, {"alertname": "Other"}, "b") == []


def test_what_lies_behind_an_alert_or_a_check_that_is_yet_to_be_confirmed_is_said_to_wait() -> None:
    rule = DependencyRule((Matcher("alertname", "=", "Down"),), (Matcher("router", "!=", ""),), ("router",))
    parents = Parents(Dependencies(rules=(rule,)))
    parents.checks.put(result("http:portal", "healthy", "ping:core-1"))
    parents.checks.put(result("ping:core-1", "healthy", checked_at=NOW - 10))
    parents.alerts.put("d", {"alertname": "Down", "router": "a"}, "firing", NOW - 100)
    found = mutes(firing=(Firing("d", "Down", {}),), parents=parents)

    def shown(labels: dict[str, str], fired_ms: int | None) -> list[tuple[str, str]]:
        return [(one.by, one.name) for one in found.of(Subject(labels, "a", fired_ms, fired_ms))]

    assert shown({"router": "a"}, NOW - 5) == [("dependency:d", "Down")]
    assert shown({"router": "b"}, NOW - 5) == []
    assert shown({"service": "http:portal"}, NOW - 5) == [("suspected:ping:core-1", "ping:core-1")]
    assert shown({"service": "http:portal"}, NOW - 10) == []
    assert shown({"service": "http:portal"}, None) == []


@pytest.mark.parametrize(
    "change",
    [{"starts_at": NOW + 1}, {"ends_at": NOW}, {"windows": [{"years": ["2001"]}]},
     {"kind": "acknowledgement", "alert_id": "a", "episode": 4}, {"kind": "acknowledgement", "alert_id": "b"}],
)  # fmt: skip
def test_what_does_not_hold_now_or_is_about_another_episode_mutes_nothing(change: dict[str, Any]) -> None:
    assert told(mutes(silence(**change)), {"alertname": "Slow"}) == []


def test_a_time_that_silences_some_routes_names_their_receivers() -> None:
    (one,) = mutes().of(Subject({"alertname": "Slow", "team": "billing"}, "a", 5))
    assert (one.by, one.receivers) == ("mute-time:mornings", ["billing"])
    (one,) = mutes().of(Subject({"alertname": "Slow", "team": "night"}, "a", 5))
    assert one.receivers == [], "nobody is told"


VALUES = st.sampled_from(["", "x", "y"])
MATCHERS = st.tuples(st.sampled_from("ab"), st.sampled_from(["=", "!=", "=~", "!~"]), VALUES)


@given(st.lists(st.lists(MATCHERS, min_size=1, max_size=3), max_size=6), st.dictionaries(st.sampled_from("ab"), VALUES))
def test_the_silences_found_are_those_that_apply(
    given: list[list[tuple[str, str, str]]], labels: dict[str, str]
) -> None:
    silences = [silence(str(number), *one) for number, one in enumerate(given)]
    expected = {one.id for one in silences if applies(one, labels, "a", 5) and is_muting(one, NOW)}
    assert {by.removeprefix("silence:") for by, _, _ in told(mutes(*silences), labels)} == expected


PEOPLE = """
people:
  - {name: ani, whatsapp: "6281200000001", quiet_hours: [{from: "00:00", to: "12:00", except: [critical]}]}
wording: {zone: Asia/Jakarta}
route: {receiver: page}
receivers:
  - {name: page, whatsapp_configs: [{to: [{admins: true}, {on_call: primary}]}]}
on_call: [{name: primary, people: [ani], from: 2026-01-05}]
"""
ADMINS = [
    Recipient(id="admin-1", name="Ani", whatsapp="6281200000001", source="admin_users"),
    Recipient(id="admin-2", name="Cici", whatsapp="6281200000002", source="admin_users"),
]
NOON_IN_JAKARTA = instant_from_text("2026-11-24T05:00:00Z")


def whom(text: str, severity: str) -> list[tuple[str | None, str | None, int | None]]:
    chosen = NotificationsSettings.model_validate(yaml.safe_load(text))
    assert chosen.routing is not None
    found = preview(Site(chosen.routing, chosen.everybody(), ADMINS, mutes()), Subject({"severity": severity}), NOW)
    return [(one.to, one.because, one.quiet_until) for route in found.routes for one in route.told]


def test_an_administrator_who_is_among_the_people_has_that_ones_quiet_hours() -> None:
    alone = PEOPLE.replace(", {on_call: primary}", "")
    assert whom(alone, "warning") == [
        ("Ani", "administrator", NOON_IN_JAKARTA), ("Cici", "administrator", None),
    ]  # fmt: skip
    assert [until for _, _, until in whom(alone, "critical")] == [None, None]


def test_nobody_is_shown_twice_who_is_told_once() -> None:
    assert whom(PEOPLE, "warning") == [
        ("ani", "on call: primary", NOON_IN_JAKARTA), ("Cici", "administrator", None),
    ]  # fmt: skip


def test_an_entry_that_stands_for_nobody_is_seen() -> None:
    text = PEOPLE.replace("{on_call: primary}", "{person: eka}")
    assert ("eka", None, None) in whom(text, "warning")


def current(name: str, **labels: str) -> CurrentAlert:
    named = {"alertname": name, **labels}
    fields = {
        "alert_id": alert_id("g", name, named),
        "fingerprint": fingerprint(named),
        "group": "g",
        "rule": name,
        "rule_version": "v",
        "episode": NOW,
        "state": "firing",
        "since": NOW,
        "fired_at": NOW,
        "labels": named,
        "severity": "warning",
        "message": name,
        "value": 1.0,
        "expr": "x > 0",
        "last_event_id": "e",
        "last_transition": 1,
    }
    return CurrentAlert.model_validate(fields)


def test_of_what_mutes_alerts_only_changes_are_told() -> None:
    slow, fast = current("Slow"), current("Fast")
    id = episode_id(slow.alert_id, slow.episode)
    changes = MuteChanges()

    def told(*silences: Silence, alerts: tuple[CurrentAlert, ...] = (slow, fast)) -> dict[str, list[str]]:
        found = changes.of(mutes(*silences), alerts)
        changes.keep(alerts)
        return {one: [mute.by for mute in by] for one, by in found.items()}

    assert told() == {}, "that nothing mutes them goes without saying"
    assert told(silence()) == {id: ["silence:s"]}
    assert told(silence()) == {}
    assert told(silence(), silence("t")) == {id: ["silence:s", "silence:t"]}
    assert told(silence(comment="found"), silence("t")) == {id: ["silence:s", "silence:t"]}, "its reason is another"
    assert told() == {id: []}, "that nothing does any more is said"
    assert told() == {}
    assert told(silence()) == {id: ["silence:s"]}
    assert told(silence(), alerts=(fast,)) == {}, "of one that is over nothing is said"
    assert told(silence()) == {id: ["silence:s"]}, "and nothing of it is kept"
