"""Alertmanager's configuration file: what is read, what is refused and where."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from shared.routing.configuration import Routing, parse_routing, unused_receivers
from shared.routing.errors import BadRouting
from shared.routing.matchers import Matcher
from shared.routing.receivers import Fallback
from shared.routing.tree import ALL, Escalation, walk

WHOLE = r"""
global:
  resolve_timeout: 5m
  smtp_smarthost: mail.example.net:587
  smtp_from: pantau@example.net
  smtp_auth_password: secret
  slack_api_url: https://hooks.example.net/x
  http_config: {follow_redirects: false}
route:
  receiver: ops
  group_by: [alertname, site]
  group_wait: 10s
  routes:
    - match: {team: network}
      match_re: {site: "jkt|sby"}
      matchers: ['severity!="info"', '{a="b", c=~"d"}']
      continue: true
      mute_time_intervals: [maintenance]
      active_time_intervals: [office]
      group_by: ['...']
      group_interval: 1m
      repeat_interval: 1h30m
    - matchers: [severity="critical"]
      receiver: page
      immediate: true
      escalation:
        - {after: 10m, receiver: ops}
        - {after: 1h, receiver: boss}
receivers:
  - name: ops
    email_configs:
      - to: ops@example.net
      - {to: noc@example.net, smarthost: "other:25", auth_password_file: /run/secret, send_resolved: true}
    slack_configs: [{channel: "#ops", api_url_file: /run/slack}]
    webhook_configs: [{url: "http://127.0.0.1:1/", http_config: {follow_redirects: true}}]
  - name: page
    whatsapp_configs: [{gateway: main, to: [{on_call: primary}]}]
    fallback: {after: 2m, receiver: ops}
  - name: boss
    log_configs: [{}, ]
  - name: nobody
inhibit_rules:
  - source_match: {severity: critical}
    target_matchers: [severity=~"warning|info"]
    equal: [alertname, site]
mute_time_intervals:
  - name: maintenance
    time_intervals: [{weekdays: [sunday], times: [{start_time: 02:00, end_time: 04:00}], location: Asia/Jakarta}]
time_intervals:
  - name: office
    time_intervals: [{weekdays: ["monday:friday"], times: [{start_time: 08:00, end_time: 17:00}]}]
templates: [/etc/pantau/*.tmpl]
"""
JAKARTA = ZoneInfo("Asia/Jakarta")


def whole() -> Routing:
    return parse_routing(WHOLE, "am.yml")


def test_routes_are_read() -> None:
    root, first, second = walk(whole().root)
    assert (root.receiver, root.group_by, root.group_wait_ms) == ("ops", frozenset({"alertname", "site"}), 10_000)
    assert first.matchers == (
        Matcher("a", "=", "b"),
        Matcher("c", "=~", "d"),
        Matcher("severity", "!=", "info"),
        Matcher("site", "=~", "^(?:jkt|sby)$"),
        Matcher("team", "=", "network"),
    )
    assert (first.continue_, first.group_by, first.receiver) == (True, ALL, "ops")
    assert (first.mute_time_intervals, first.active_time_intervals) == (("maintenance",), ("office",))
    assert (first.group_wait_ms, first.group_interval_ms, first.repeat_interval_ms) == (10_000, 60_000, 5_400_000)
    assert (second.receiver, second.immediate, second.group_wait_ms) == ("page", True, 0)
    assert second.escalation == (Escalation(600_000, "ops"), Escalation(3_600_000, "boss"))


def test_receivers_are_read() -> None:
    receivers = whole().receivers
    assert list(receivers) == ["ops", "page", "boss", "nobody"]
    ops = {(one.kind, one.index): one for one in receivers["ops"].integrations}
    assert list(ops) == [("webhook", 0), ("email", 0), ("email", 1), ("slack", 0)]
    assert ops["email", 0].settings == {"to": "ops@example.net"}
    assert ops["webhook", 0].settings["http_config"] == {"follow_redirects": True}
    assert whole().defaults["smtp_smarthost"] == "mail.example.net:587"
    assert [one.send_resolved for one in ops.values()] == [True, False, True, False]
    assert receivers["page"].fallback == Fallback(120_000, "ops")
    assert [(one.kind, dict(one.settings)) for one in receivers["boss"].integrations] == [("log", {})]
    assert receivers["nobody"].integrations == ()
    assert unused_receivers(whole()) == ["nobody"]


def test_no_secret_is_in_what_is_printed() -> None:
    assert "secret" not in repr(whole())


def test_routes_are_muted_by_time() -> None:
    routing, route = whole(), whole().root.routes[0]

    def at(text: str, zone: str = "UTC") -> int:
        return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)

    assert routing.muted_by_time(route, at("2026-11-22T03:00", "Asia/Jakarta")) == "maintenance"
    assert routing.muted_by_time(route, at("2026-11-23T07:59")) == "office"
    assert routing.muted_by_time(route, at("2026-11-23T08:00")) is None
    assert routing.muted_by_time(routing.root, at("2026-11-22T03:00", "Asia/Jakarta")) is None
    assert routing.next_time_change_ms(route, at("2026-11-23T07:59")) == at("2026-11-23T08:00")
    assert routing.next_time_change_ms(route, at("2026-11-21T18:00")) == at("2026-11-21T19:00")
    assert routing.next_time_change_ms(routing.root, 0) is None


def test_an_inhibition_rule_is_read() -> None:
    (rule,) = whole().inhibit_rules
    assert (rule.source, rule.equal) == ((Matcher("severity", "=", "critical"),), ("alertname", "site"))
    assert rule.target == (Matcher("severity", "=~", "warning|info"),)


def refusal(text: str) -> list[str]:
    with pytest.raises(BadRouting) as caught:
        parse_routing(text, "am.yml")
    return str(caught.value).splitlines()


FRAME = "receivers: [{name: a}, {name: b}]\nroute:\n  receiver: a\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "am.yml:1: is empty"),
        ("a: [", "am.yml:1: not YAML"),
        ("[]", "am.yml:1: the configuration is a mapping with global"),
        ("receivers: [{name: a}]", "am.yml:1: there is no route"),
        ("route: {}\nreceivers: []", "am.yml:1: the root route needs a receiver"),
        ("route: {receiver: z}\nreceivers: [{name: a}]", "am.yml:1: there is no receiver 'z'"),
        (FRAME + "routs: []", "am.yml:4: unknown field 'routs'"),
        (FRAME + "  group_by: [a]\n  group_by: [b]", "am.yml:5: 'group_by' is given twice"),
        (FRAME + "  matchers: [a=b]", "am.yml:4: the root route takes every alert at any time: 'matchers'"),
        (FRAME + "  mute_time_intervals: [x]", "am.yml:4: the root route takes every alert at any time"),
        (FRAME + "  continue: true", "am.yml:4: the root route has no siblings"),
        (FRAME + "  group_wait: 30", "am.yml:4: group_wait: '30' is not a duration"),
        (FRAME + "  group_interval: 0s", "am.yml:4: group_interval can't be zero"),
        (FRAME + "  repeat_interval: 0s", "am.yml:4: repeat_interval can't be zero"),
        (FRAME + "  repeat_interval: 15d", "am.yml:4: repeat_interval is at most 2w"),
        (FRAME + "  group_by: [a, a]", "am.yml:4: 'a' is twice in 'group_by'"),
        (FRAME + "  group_by: [a, '...']", "am.yml:4: '...' groups by all labels"),
        (FRAME + "  group_by: alertname", "am.yml:4: 'group_by' is a list"),
        (FRAME + "  immediate: true\n  group_wait: 1s", "am.yml:5: 'immediate' says that nothing is waited for"),
        (FRAME + "  escalation: [{after: 1m}]", "am.yml:4: a step of escalation needs 'after' and 'receiver'"),
        (FRAME + "  escalation: [{after: 1m, receiver: q}]", "am.yml:4: there is no receiver 'q'"),
        (
            FRAME + "  escalation:\n  - {after: 2m, receiver: a}\n  - {after: 1m, receiver: b}",
            "am.yml:6: the steps of an escalation are in order",
        ),
        (
            FRAME + "  routes:\n  - match: {'a b': c}",
            "am.yml:5: 'a b' is no name of a label in 'match': 'matchers' may",
        ),
        (FRAME + "  routes:\n  - match_re: {a: '('}", "am.yml:5: regular expression '^(?:()$'"),
        (FRAME + "  routes:\n  - match_re: {a: }", "am.yml:5: a regular expression is missing for 'a'"),
        (FRAME + "  routes:\n  - matchers: [a]", "am.yml:5: 'a' is no matcher: write for instance severity="),
        (FRAME + "  routes:\n  - matchers: a=b", "am.yml:5: 'matchers' is a list"),
        (FRAME + "  routes:\n  - receiver: c", "am.yml:5: there is no receiver 'c'"),
        (FRAME + "  routes:\n  - mute_time_intervals: [x]", "am.yml:5: there is no time interval 'x'"),
        (FRAME + "  routes:\n  - active_time_intervals: [x]", "am.yml:5: there is no time interval 'x'"),
        (FRAME + "inhibit_rules:\n- equal: [a, a]", "am.yml:5: 'a' is twice in 'equal'"),
        (FRAME + "inhibit_rules:\n- source_matcher: [a]", "am.yml:5: unknown field 'source_matcher'"),
        (FRAME + "global: {smtp_form: x}", "am.yml:4: unknown field 'smtp_form'"),
        (
            FRAME + "global:\n  slack_api_url: http://x\n  slack_api_url_file: y",
            "am.yml:6: only one of slack_api_url and",
        ),
        (FRAME + "global: {resolve_timeout: soon}", "am.yml:4: resolve_timeout: 'soon' is not a duration"),
        (FRAME + "time_intervals: [{name: x}, {name: x}]", "am.yml:4: the time interval 'x' is there twice"),
        (FRAME + "time_intervals: [{time_intervals: []}]", "am.yml:4: a time interval needs a name"),
        (
            FRAME + "time_intervals:\n- name: x\n  time_intervals:\n  - {times: [{start_time: '10:00'}]}",
            "am.yml:7: a time needs 'start_time' and 'end_time'",
        ),
        (
            FRAME + "time_intervals:\n- name: x\n  time_intervals:\n  - {weekdays: [funday]}",
            "am.yml:7: 'funday' is no weekday",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(text: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in refusal(text)), refusal(text)


@pytest.mark.parametrize(
    ("receivers", "expected"),
    [
        ("- name: a\n- name: a", "am.yml:4: receiver 'a' is already at am.yml:3"),
        ("- {}", "am.yml:3: a receiver needs a name"),
        (
            "- name: a\n  sns_configs: [{}]",
            "am.yml:4: sns_configs is not supported: use apprise_configs with an sns://",
        ),
        ("- name: a\n  jira_configs: [{}]", "am.yml:4: jira_configs is not supported: use webhook_configs"),
        ("- name: a\n  fax_configs: [{}]", "am.yml:4: unknown field 'fax_configs': a receiver has name, fallback, web"),
        ("- name: a\n  webhook_configs: {url: x}", "am.yml:4: 'webhook_configs' is a list"),
        ("- name: a\n  webhook_configs: [x]", "am.yml:4: webhook_configs is a list of mappings"),
        ("- name: a\n  log_configs: [{send_resolved: often}]", "am.yml:4: 'send_resolved' is true or false"),
        ("- name: a\n  fallback: {after: 1m, receiver: z}", "am.yml:3: fallback: there is no receiver 'z'"),
        ("- name: a\n  fallback: {receiver: a}", "am.yml:4: 'fallback' needs 'after' and 'receiver'"),
        ("- name: a\n  fallback: {after: 1m, receiver: a}", "am.yml:3: fallback goes in a circle: a -> a"),
        (
            "- {name: a, fallback: {after: 1m, receiver: b}}\n- {name: b, fallback: {after: 1m, receiver: a}}",
            "am.yml:3: fallback goes in a circle: a -> b -> a",
        ),
    ],
)
def test_receivers_that_can_not_be_are_refused(receivers: str, expected: str) -> None:
    found = refusal(f"route: {{receiver: a}}\nreceivers:\n{receivers}\n")
    assert any(line.startswith(expected) for line in found), found


def test_all_problems_are_told_at_once() -> None:
    text = "route:\n  receiver: q\n  group_interval: 0s\nreceivers:\n- {}\n- name: x\n  sns_configs: []\n"
    assert [line.split(": ")[0] for line in sorted(refusal(text))] == ["am.yml:2", "am.yml:3", "am.yml:5", "am.yml:7"]
