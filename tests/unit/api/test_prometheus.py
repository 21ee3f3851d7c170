"""Rule groups and alerts as Prometheus' API tells them."""

import math

import pytest

from services.api.core.alerts import Told
from services.api.core.prometheus import NEVER, Known, find_alerts, find_rules
from services.api.core.prometheus_bodies import PrometheusAlertingRule
from services.api.core.prometheus_query import BadParameter, RulesQuery
from shared.messages.alerts import CurrentAlert, alert_id, fingerprint
from shared.messages.rules import AlertingRule, GroupStatus, RecordingRule, RuleGroup, RuleProblem

NOW = 1_700_000_000_000
NOW_TEXT = "2023-11-14T22:13:20.000Z"

SLOW = AlertingRule(
    name="Slow",
    expr="latency>1",
    for_ms=90_500,
    keep_firing_for_ms=60_000,
    labels={"severity": "page", "team": "{{ $labels.team }}"},
    annotations={"summary": "{{ $value }} s"},
)
BUSY = AlertingRule(name="Busy", expr="sum by(job)(load) > 10")
MEAN = RecordingRule(name="job:load:mean", expr="avg  by (job) (load)", labels={"severity": ""})


def group(name: str, *rules: AlertingRule | RecordingRule, **changes: object) -> RuleGroup:
    fields = {"version": 1, "origin": "file", "updated_by": "rule files", "updated_at": NOW}
    return RuleGroup.model_validate({"name": name, "rules": rules} | fields | changes)


def status(name: str, **changes: object) -> GroupStatus:
    fields = {"version": 1, "state": "active", "last_instant": NOW, "evaluation_seconds": 0.25}
    return GroupStatus.model_validate({"group": name, "told_at": NOW, "worker": "w"} | fields | changes)


def told(group: str, rule: AlertingRule, state: str, labels: dict[str, str], **changes: object) -> CurrentAlert:
    labels = labels | {"alertname": rule.name}
    fields = {
        "alert_id": alert_id(group, rule.name, labels),
        "fingerprint": fingerprint(labels),
        "group": group,
        "rule": rule.name,
        "rule_version": rule.version,
        "episode": NOW - 60_000,
        "state": state,
        "since": NOW,
        "labels": labels,
        "annotations": {"summary": "2 s"},
        "severity": "warning",
        "message": "",
        "value": 2.5,
        "expr": rule.expr,
        "last_event_id": "e",
        "last_transition": 1,
    }
    return CurrentAlert.model_validate(fields | changes)


def known(
    *groups: RuleGroup, statuses: tuple[GroupStatus, ...] = (), alerts: tuple[Told, ...] = (), **files: str
) -> Known:
    return Known({one.name: one for one in groups}, {one.group: one for one in statuses}, alerts, files, 15_000)


def query(
    kind: str = "",
    names: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
    files: tuple[str, ...] = (),
    matches: tuple[str, ...] = (),
    exclude_alerts: str = "",
    group_limit: str = "",
    next_token: str = "",
) -> RulesQuery:
    return RulesQuery.read(kind, names, groups, files, matches, exclude_alerts, group_limit, next_token)


def found(asked: RulesQuery, what: Known) -> dict[str, list[str]]:
    return {one["name"]: [rule["name"] for rule in one["rules"]] for one in find_rules(asked, what)["groups"]}


def rules_of(what: Known) -> list[PrometheusAlertingRule]:
    (only,) = find_rules(RulesQuery(), what)["groups"]
    return [one for one in only["rules"] if one["type"] == "alerting"]


def test_a_group_is_told_as_prometheus_tells_it() -> None:
    what = known(
        group("api", SLOW, MEAN, limit=7, query_offset_ms=1),
        statuses=(status("api", problems=[RuleProblem(place=1, rule="job:load:mean", reason="no")], problem_count=1),),
        alerts=(told("api", SLOW, "pending", {"job": "b"}), told("api", SLOW, "firing", {"job": "a"}, value=math.inf)),
        api="/etc/rules/api.yaml",
    )
    (answer,) = find_rules(RulesQuery(), what)["groups"]
    firing = {
        "labels": {"alertname": "Slow", "job": "a"},
        "annotations": {"summary": "2 s"},
        "state": "firing",
        "activeAt": "2023-11-14T22:12:20.000Z",
        "value": "+Inf",
    }
    pending = firing | {"labels": {"alertname": "Slow", "job": "b"}, "state": "pending", "value": "2.5e+00"}
    slow, mean = answer["rules"]
    assert slow["type"] == "alerting"
    assert sorted(slow["alerts"] or [], key=lambda one: one["state"]) == [firing, pending]
    assert slow == {
        "alerts": slow["alerts"],
        "state": "firing",
        "name": "Slow",
        "query": "latency > 1",
        "duration": 90.5,
        "keepFiringFor": 60.0,
        "labels": {"severity": "page", "team": "{{ $labels.team }}"},
        "annotations": {"summary": "{{ $value }} s"},
        "health": "ok",
        "evaluationTime": 0.25,
        "lastEvaluation": NOW_TEXT,
        "type": "alerting",
    }
    assert mean == {
        "name": "job:load:mean",
        "query": "avg by (job) (load)",
        "labels": {"severity": ""},
        "health": "err",
        "lastError": "no",
        "evaluationTime": 0.25,
        "lastEvaluation": NOW_TEXT,
        "type": "recording",
    }
    assert answer == {
        "rules": [slow, mean],
        "name": "api",
        "file": "/etc/rules/api.yaml",
        "interval": 15.0,
        "limit": 7,
        "evaluationTime": 0.25,
        "lastEvaluation": NOW_TEXT,
    }


@pytest.mark.parametrize(
    ("told_of_it", "health", "error", "evaluated"),
    [
        (None, "unknown", None, NEVER),
        (status("g", state="filling", last_instant=None), "unknown", None, NEVER),
        (status("g", last_instant=None), "unknown", None, NEVER),
        (status("g"), "ok", None, NOW_TEXT),
        (status("g", version=2), "unknown", None, NOW_TEXT),
        (status("g", state="refused", reason="g -> h -> g"), "err", "g -> h -> g", NOW_TEXT),
        (status("g", problems=[RuleProblem(place=3, rule="x", reason="no")], problem_count=1), "ok", None, NOW_TEXT),
        (status("g", problem_count=101), "unknown", None, NOW_TEXT),
    ],
)
def test_health(told_of_it: GroupStatus | None, health: str, error: str | None, evaluated: str) -> None:
    (slow,) = rules_of(known(group("g", SLOW), statuses=(told_of_it,) if told_of_it else ()))
    assert (slow["health"], slow.get("lastError"), slow["lastEvaluation"]) == (health, error, evaluated)


@pytest.mark.parametrize(
    ("states", "state"), [([], "inactive"), (["pending"], "pending"), (["pending", "firing"], "firing")]
)
def test_a_rule_has_the_highest_state_of_its_alerts(states: list[str], state: str) -> None:
    alerts = tuple(told("g", SLOW, one, {"job": str(place)}) for place, one in enumerate(states))
    elsewhere = told("h", SLOW, "firing", {})
    (slow,) = rules_of(known(group("g", SLOW), alerts=(*alerts, elsewhere)))
    assert slow["state"] == state
    assert len(slow["alerts"] or []) == len(states)


def test_of_two_rules_of_one_name_each_has_its_own_alerts() -> None:
    urgent = SLOW.model_copy(update={"expr": "latency > 10"})
    alerts = (
        told("g", urgent, "firing", {"job": "a"}),
        told("g", SLOW, "pending", {"job": "b"}),
        told("g", urgent, "firing", {"job": "c"}, rule_version="before an annotation was edited"),
        told("g", urgent, "firing", {"job": "d"}, rule_version="x", expr="latency > 5"),
    )
    both = rules_of(known(group("g", SLOW, urgent), alerts=alerts))
    assert [sorted(alert["labels"]["job"] for alert in one["alerts"] or []) for one in both] == [["b", "d"], ["a", "c"]]


GROUPS = known(
    group("posted", SLOW, origin="api", interval_ms=500),
    group("first", SLOW, BUSY, MEAN),
    group("second", MEAN),
    group("off", SLOW, enabled=False),
    first="/z.yaml",
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (query(), {"first": ["Slow", "Busy", "job:load:mean"], "posted": ["Slow"], "second": ["job:load:mean"]}),
        (query("ALERT"), {"first": ["Slow", "Busy"], "posted": ["Slow"]}),
        (query("record"), {"first": ["job:load:mean"], "second": ["job:load:mean"]}),
        (query(names=("Busy", "Nobody")), {"first": ["Busy"]}),
        (query(groups=("posted", "second")), {"posted": ["Slow"], "second": ["job:load:mean"]}),
        (query(files=("/z.yaml", "api")), {"first": ["Slow", "Busy", "job:load:mean"], "posted": ["Slow"]}),
        (query(matches=('{severity="page"}',)), {"first": ["Slow"], "posted": ["Slow"]}),
        (query(matches=('{severity=""}',)), {"first": ["Busy", "job:load:mean"], "second": ["job:load:mean"]}),
        (query(matches=('{team=~"{{.*}}"}', '{severity="x"}')), {"first": ["Slow"], "posted": ["Slow"]}),
        (query(matches=('{severity="page",team=""}',)), {}),
        (query(matches=('{severity="x" or team!=""}',)), {"first": ["Slow"], "posted": ["Slow"]}),
        (query(matches=("up",)), {}),
        (query("record", names=("Slow",)), {}),
    ],
)
def test_filters(asked: RulesQuery, expected: dict[str, list[str]]) -> None:
    assert found(asked, GROUPS) == expected


def test_groups_come_by_file_and_name_with_interval_and_file() -> None:
    listed = [(one["file"], one["name"], one["interval"]) for one in find_rules(query(), GROUPS)["groups"]]
    assert listed == [("/z.yaml", "first", 15.0), ("api", "posted", 0.5), ("file", "second", 15.0)]


def test_alerts_can_be_left_out() -> None:
    what = known(group("g", SLOW), alerts=(told("g", SLOW, "firing", {}),))
    (answer,) = find_rules(query(exclude_alerts="True"), what)["groups"]
    (slow,) = answer["rules"]
    assert slow["type"] == "alerting"
    assert slow["alerts"] is None
    assert slow["state"] == "firing"


def test_groups_come_in_pages() -> None:
    pages, token = [], ""
    while True:
        answer = find_rules(query(group_limit="1", next_token=token), GROUPS)
        pages.append([one["name"] for one in answer["groups"]])
        token = answer.get("groupNextToken", "")
        if not token:
            break
    assert pages == [["first"], ["posted"], ["second"]]
    assert "groupNextToken" not in find_rules(query("record", group_limit="2"), GROUPS)
    first = find_rules(query("record", group_limit="1"), GROUPS)
    second = find_rules(query("record", group_limit="1", next_token=first["groupNextToken"]), GROUPS)
    assert [one["name"] for one in second["groups"]] == ["second"]
    with pytest.raises(BadParameter, match="were rule groups changed"):
        find_rules(query(group_limit="1", next_token="abc"), GROUPS)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"kind": "alerts"}, 'invalid parameter "type": not supported value "alerts"'),
        ({"exclude_alerts": "yes"}, 'invalid parameter "exclude_alerts"'),
        ({"group_limit": "ten"}, "group_limit needs to be a valid number"),
        ({"group_limit": "4294967296"}, "group_limit needs to be a valid number"),
        ({"group_limit": "9" * 5_000}, "group_limit needs to be a valid number"),
        ({"group_limit": "0"}, "group_limit needs to be greater than 0"),
        ({"group_limit": "-1"}, "group_limit needs to be greater than 0"),
        ({"next_token": "abc"}, "group_limit needs to be present"),
        ({"matches": ("{",)}, 'invalid parameter "match\\[\\]"'),
        ({"matches": ("sum(x)",)}, "is not a selector"),
        ({"matches": ('{a="b"} offset 5m',)}, "is not a selector"),
        ({"matches": ('{a=~"("}',)}, 'invalid parameter "match\\[\\]"'),
    ],
)
def test_what_prometheus_refuses_is_refused(asked: dict[str, object], says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        query(**asked)  # type: ignore[arg-type]


def test_a_rule_that_does_not_parse_is_shown_as_it_is() -> None:
    (odd,) = rules_of(known(group("g", AlertingRule(name="Odd", expr="rate(("))))
    assert odd["query"] == "rate(("


def test_active_alerts() -> None:
    alerts = (told("h", BUSY, "pending", {}, episode=NOW), told("g", SLOW, "firing", {"job": "a"}))
    answer = find_alerts(alerts)["alerts"]
    assert [(one["labels"]["alertname"], one["state"]) for one in answer] == [("Slow", "firing"), ("Busy", "pending")]
    assert answer[1] == {
        "labels": {"alertname": "Busy"},
        "annotations": {"summary": "2 s"},
        "state": "pending",
        "activeAt": NOW_TEXT,
        "value": "2.5e+00",
    }
    assert find_alerts(()) == {"alerts": []}
