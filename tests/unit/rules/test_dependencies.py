"""Which groups read what other groups make, and cycles among them."""

from itertools import permutations

import pytest

from shared.messages.rules import RuleGroup
from shared.rules.dependencies import Wiring, wire
from shared.rules.files import parse_rule_file


def groups_in(text: str, **enabled: bool) -> dict[str, RuleGroup]:
    found = {draft.name: draft.group(1, "someone", 1) for draft in parse_rule_file(text, "rules.yaml")}
    return {name: one.model_copy(update={"enabled": enabled.get(name, True)}) for name, one in found.items()}


def group(name: str, *rules: str) -> str:
    return f"- name: {name}\n  rules:\n" + "".join(f"  - {rule}\n" for rule in rules)


def reads(*texts: str, **enabled: bool) -> dict[str, tuple[str, ...]]:
    found = wire(groups_in("groups:\n" + "".join(texts), **enabled), {})
    assert not [name for name, one in found.items() if one.cycle]
    return {name: one.reads for name, one in found.items() if one.reads}


TOTALS = group("totals", "{record: 'job:requests:sum', expr: sum by (job) (requests), labels: {tier: web, empty: ''}}")
DOWN = group("down", "{alert: Down, expr: up == 0, labels: {team: sre, zone: '{{ $labels.zone }}'}}")
SLOW = group("slow", "{alert: Slow, expr: latency > 2}")


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("job:requests:sum > 5", True),
        ("rate(job:requests:sum[5m]) > 5", True),
        ("max_over_time(sum(job:requests:sum)[1h:1m]) > 5", True),
        ("up == 0 unless on (job) job:requests:sum", True),
        ('{__name__=~"job:.*"} > 5', True),
        ('{__name__!="up",job="a"} > 5', True),
        ('{job="billing"} > 5', True),
        ('job:requests:sum{tier="web", job="billing"} > 5', True),
        ('job:requests:sum{empty=""} > 5', True),
        ('job:requests:sum{tier="web" or tier="none"} > 5', True),
        ('job:requests:sum{tier="db"} > 5', False),
        ('job:requests:sum{tier!="web"} > 5', False),
        ('job:requests:sum{empty!=""} > 5', False),
        ('{__name__=~"host:.*"} > 5', False),
        ("job:requests:rate > 5", False),
        ("requests > 5", False),
    ],
)
def test_a_group_reads_the_group_that_records_what_it_selects(expr: str, expected: bool) -> None:
    found = reads(TOTALS, group("reader", f"{{alert: A, expr: '{expr}'}}"))
    assert found == ({"reader": ("totals",)} if expected else {})


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("ALERTS", ("down", "slow")),
        ('ALERTS{alertname="Down"}', ("down",)),
        ('ALERTS{alertname="Slow",alertstate="firing"}', ("slow",)),
        ('ALERTS{alertname=~"D.*|Up"}', ("down",)),
        ('ALERTS{alertname!="Down"}', ("slow",)),
        ('ALERTS{alertstate="inactive"}', ()),
        ('ALERTS{alertname="Up"}', ()),
        ('ALERTS{alertname="Down",team="noc"}', ()),
        ('ALERTS{team="sre"}', ("down", "slow")),  # latency may have any label
        ('ALERTS{alertname="Down",zone="north"}', ("down",)),
        ('time() - ALERTS_FOR_STATE{alertname="Slow"}', ("slow",)),
    ],
)
def test_alerts_are_read_from_the_groups_that_have_them(expr: str, expected: tuple[str, ...]) -> None:
    found = reads(DOWN, SLOW, group("reader", f"{{record: seen, expr: '{expr}'}}"))
    assert found == ({"reader": expected} if expected else {})


def test_a_recorded_series_may_be_called_alerts_too() -> None:
    recorded = group("recorded", "{record: ALERTS, expr: imported_alerts}")
    assert reads(recorded, group("reader", "{record: a, expr: 'ALERTS{alertname=\"Any\"}'}")) == {
        "reader": ("recorded",)
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ query "job:requests:sum" | first | value }}', ("totals",)),
        ("{{ query \"ALERTS{alertname='Down'}\" | len }}", ("down",)),
        ('{{ printf "job:requests:sum{job=%q}" $labels.job | query | first | value }}', ("totals",)),
        ("{{ printf \"ALERTS{alertname='Slow',job='%s'}\" $labels.job | query | len }}", ("slow",)),
        ("{{ printf \"job:requests:sum{tier='%s'}\" $labels.tier | query | len }}", ("totals",)),
        ("{{ printf \"{'job:%s:sum'}\" $labels.what | query | len }}", ("down", "slow", "totals")),
        ('{{ printf "%s:sum" $labels.job | query | len }}', ("down", "slow", "totals")),
        ('{{ query "requests" | len }}', ()),
        ('{{ query "requests[" | len }}', ()),
        ("job:requests:sum", ()),
    ],
)
@pytest.mark.parametrize("field", ["message", "annotations", "labels"])
def test_queries_in_templates_count(field: str, text: str, expected: tuple[str, ...]) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    value = quoted if field == "message" else f"{{summary: {quoted}}}"
    found = reads(DOWN, SLOW, TOTALS, group("reader", f"{{alert: A, expr: requests > 5, {field}: {value}}}"))
    assert found == ({"reader": expected} if expected else {})


def test_what_is_disabled_or_does_not_compile_makes_and_reads_nothing() -> None:
    reader = group("reader", "{alert: A, expr: 'job:requests:sum > 5'}")
    assert reads(TOTALS, reader, totals=False) == {}
    assert reads(TOTALS, reader, reader=False) == {}
    groups = groups_in("groups:\n" + TOTALS + reader)
    broken = groups["totals"].rules[0].model_copy(update={"expr": "sum("})
    groups["totals"] = groups["totals"].model_copy(update={"rules": [broken]})
    assert wire(groups, {})["reader"] == Wiring()


def test_who_is_read_and_who_reads_itself() -> None:
    chain = group("chain", "{record: a, expr: requests}", "{record: b, expr: a}", "{alert: B, expr: b > ignoring() a}")
    found = wire(groups_in("groups:\n" + chain + group("reader", "{record: c, expr: a + b}")), {})
    assert found == {"chain": Wiring(is_read=True), "reader": Wiring(reads=("chain",))}


LOOP = "groups:\n" + "".join(
    group(name, f"{{record: {name}, expr: '{'+'.join(read)}'}}")
    for name, *read in (["a", "c"], ["b", "a"], ["c", "b", "world"], ["outside", "b"], ["source", "world"])
)


def test_the_group_that_closes_a_cycle_is_left_out_with_its_path() -> None:
    groups = groups_in(LOOP)
    for first, second, last in permutations("abc"):
        found = wire(groups, {first: 5, second: 6, last: 7})
        path = {"a": ("a", "c", "b", "a"), "b": ("b", "a", "c", "b"), "c": ("c", "b", "a", "c")}[last]
        assert {name: one.cycle for name, one in found.items() if one.cycle} == {last: path}
        assert not found[last].reads
        assert not found[last].is_read
        assert not any(last in one.reads for one in found.values())
    assert wire(groups, {"a": 2, "b": 2, "c": 2})["c"].cycle, "of equal ones the last by name"
    assert wire(groups, {"c": 1, "a": 3, "b": 2})["outside"] == Wiring(reads=("b",))


def test_a_group_may_come_in_once_another_cycle_is_broken() -> None:
    """The second would read the first in a cycle; what is left out closes no further cycle."""
    text = "groups:\n" + "".join(
        group(name, f"{{record: {name}, expr: '{'+'.join(read)}'}}")
        for name, *read in (["a", "b"], ["b", "a", "c"], ["c", "b"])
    )
    found = wire(groups_in(text), {"a": 1, "b": 2, "c": 3})
    assert found["b"].cycle == ("b", "a", "b")
    assert found["c"] == Wiring()


def test_many_alerts_read_one_another_without_a_cycle() -> None:
    """Each group reads the alert of the one before, by name: a chain, not a cycle."""
    text = "groups:\n" + "".join(
        group(f"g{n:03}", f"{{alert: A{n}, expr: 'm{n} > 1 unless ALERTS{{alertname=\"A{n - 1}\"}}'}}")
        for n in range(200)
    )
    found = wire(groups_in(text), {})
    assert [one.reads for one in found.values()] == [(), *((f"g{n:03}",) for n in range(199))]
    assert not found["g199"].is_read
    assert found["g198"].is_read
