"""The tree of routes: which way an alert takes, what is inherited, and Alertmanager's keys."""

from typing import Any

import pytest

from shared.routing.matcher_text import parse_matchers
from shared.routing.tree import ALL, Escalation, Route, RouteDraft, build, group_key, group_labels, matching, walk


def draft(matchers: str = "", *routes: RouteDraft, **options: Any) -> RouteDraft:
    return RouteDraft(matchers=tuple(parse_matchers(matchers)), routes=routes, **options)


TREE = build(
    draft(
        "",
        draft(
            "team=network",
            draft("severity=critical", receiver="network-page"),
            draft("severity=warning", receiver="network-chat", continue_=True),
            draft("site=~jkt.*", receiver="jakarta"),
            receiver="network",
        ),
        draft("severity=critical", receiver="page", continue_=True),
        draft("alertname=~Whatsapp.*", receiver="mail"),
        draft("severity=critical", receiver="page-too"),
        receiver="default",
    )
)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["default"]),
        ({"severity": "info"}, ["default"]),
        ({"team": "network"}, ["network"]),
        ({"team": "network", "severity": "critical", "site": "jkt1"}, ["network-page"]),
        ({"team": "network", "severity": "warning", "site": "jkt1"}, ["network-chat", "jakarta"]),
        ({"team": "network", "severity": "warning", "site": "sby"}, ["network-chat"]),
        ({"severity": "critical"}, ["page", "page-too"]),
        ({"severity": "critical", "alertname": "WhatsappDown"}, ["page", "mail"]),
        ({"alertname": "WhatsappDown"}, ["mail"]),
    ],
)
def test_the_ways_that_alerts_take(labels: dict[str, str], receivers: list[str]) -> None:
    assert [route.receiver for route in matching(TREE, labels)] == receivers


def test_options_are_inherited_and_muting_is_not() -> None:
    steps = (Escalation(60_000, "boss"),)
    root = build(
        draft(
            "",
            draft("a=b", draft("c=d", group_by=frozenset({"x"}), receiver="deep"), mute_time_intervals=("night",)),
            draft("e=f", group_by=ALL, escalation=()),
            receiver="ops",
            group_by=frozenset({"alertname"}),
            group_wait_ms=1,
            group_interval_ms=2,
            repeat_interval_ms=3,
            escalation=steps,
        )
    )
    _, first, deep, second = walk(root)
    assert (first.receiver, first.group_by, first.escalation) == ("ops", frozenset({"alertname"}), steps)
    assert (first.group_wait_ms, first.group_interval_ms, first.repeat_interval_ms) == (1, 2, 3)
    assert (first.mute_time_intervals, deep.mute_time_intervals) == (("night",), ())
    assert (deep.receiver, deep.group_by, deep.group_wait_ms) == ("deep", frozenset({"x"}), 1)
    assert (second.group_by, second.escalation) == (ALL, ())
    assert build(RouteDraft(receiver="x")) == Route("x", frozenset(), 30_000, 300_000, 14_400_000)


def test_what_is_immediate_waits_for_nothing() -> None:
    root = build(
        draft(
            "",
            draft(
                "a=b",
                draft("c=d"),
                draft("c=e", group_by=frozenset({"site"})),
                draft("c=f", immediate=False),
                immediate=True,
            ),
            draft("a=c", immediate=True, group_by=frozenset({"host"})),
            receiver="ops",
            group_by=frozenset({"alertname"}),
            group_wait_ms=7,
        )
    )
    found = [(route.immediate, route.group_by, route.group_wait_ms) for route in walk(root)]
    by_name = frozenset({"alertname"})
    assert found == [
        (False, by_name, 7),
        (True, ALL, 0),
        (True, ALL, 0),
        (True, frozenset({"site"}), 0),
        (False, by_name, 7),
        (True, frozenset({"host"}), 0),
    ]


def test_keys_are_alertmanagers_and_ids_differ() -> None:
    root = build(draft("", draft("b=c,a=~d"), draft('b=c, a=~"d"', draft("x=y")), draft("a!=b"), receiver="r"))
    assert [route.key for route in walk(root)] == [
        "{}",
        '{}/{a=~"d",b="c"}',
        '{}/{a=~"d",b="c"}',
        '{}/{a=~"d",b="c"}/{x="y"}',
        '{}/{a!="b"}',
    ]
    assert [route.id for route in walk(root)] == [
        "{}",
        '{}/{a=~"d",b="c"}',
        '{}/{a=~"d",b="c"}#2',
        '{}/{a=~"d",b="c"}#2/{x="y"}',
        '{}/{a!="b"}',
    ]


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        (frozenset(), "{}:{}"),
        (frozenset({"site", "alertname", "absent"}), r'{}:{alertname="Down", site="a\"b\\c\n"}'),
        (ALL, r'{}:{alertname="Down", site="a\"b\\c\n", z="é"}'),
    ],
)
def test_alerts_are_grouped_by_labels(group_by: Any, expected: str) -> None:
    route = Route("r", group_by)
    labels = group_labels(route, {"z": "é", "site": 'a"b\\c\n', "alertname": "Down"})
    assert group_key(route, labels) == expected
