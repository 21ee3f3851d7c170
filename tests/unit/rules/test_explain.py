"""Why a rule fires, or does not: each part's value, what is missing, and the verdict."""

import numpy as np
import pytest

from shared.messages.samples import STALE
from shared.messages.series import labels_of
from shared.promql.errors import QueryRefused
from shared.promql.limits import Limits
from shared.promql.matching import Matcher
from shared.promql.query import Options
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource
from shared.rules.expansion import Outside
from shared.rules.explain import SLICE_STEPS, Explanation, Subject, conclude, look, silent
from shared.rules.explain_tree import Node, Stock, nodes
from shared.rules.explain_verdict import Verdict
from shared.rules.files import parse_rule_file
from shared.rules.plan import GroupPlan, plan_group

MINUTE = 60_000
AT = 1_795_428_900_000  # 2026-11-23T10:15:00Z


def source(**series: dict[int, float]) -> FixedSource:
    """Series by key, and their values by minutes from `AT`."""
    return FixedSource(
        {
            labels_from(labels_of(key)): (
                np.array([AT + minute * MINUTE for minute in values], np.int64),
                np.array(list(values.values())),
            )
            for key, values in series.items()
        }
    )


def group(expr: str, rest: str = "") -> GroupPlan:
    text = f"groups: [{{name: g, interval: 1m, rules: [{{alert: HighCPU, expr: '{expr}'{rest}}}]}}]"
    return plan_group(parse_rule_file(text, "rules.yaml")[0])


def explained(
    expr: str, data: FixedSource, rest: str = "", at_ms: int = AT, stock: Stock | None = None, **subject: object
) -> Explanation:
    found = look(Subject(group(expr, rest), 0, at_ms, **subject), data)  # type: ignore[arg-type]
    return conclude(found, {} if stock is None else {one.selectors: stock for one in silent(found)})


def verdict(found: Explanation) -> Verdict:
    assert found.verdict is not None
    return found.verdict


def part(found: Explanation, text: str) -> Node:
    return next(one for one in nodes(found.tree) if one.text == text)


def test_what_fires_shows_the_value_of_every_part_and_when_its_samples_were_taken() -> None:
    data = source(**{'cpu_usage{host="web-1"}': {-1: 70.0, 0: 85.0}, 'cpu_usage{host="web-2"}': {-1: 75.0}})
    found = explained("cpu_usage > 80", data)
    (element,) = found.tree.elements
    assert (element.labels["host"], element.value) == ("web-1", 85.0)
    cpu = part(found, "cpu_usage")
    assert [(one.labels["host"], one.value, one.taken_ms) for one in cpu.elements] == [
        ("web-1", 85.0, AT),
        ("web-2", 75.0, AT - MINUTE),
    ]
    assert found.tree.comparison is not None
    assert [(one.labels["host"], one.passed, one.by) for one in found.tree.comparison.shown] == [
        ("web-1", True, 5.0),
        ("web-2", False, -5.0),
    ]
    assert (verdict(found).key, [one.state for one in found.alerts]) == ("fires", ["firing"])
    assert found.alerts[0].since_ms == AT


def test_what_does_not_reach_its_threshold_says_by_how_much() -> None:
    data = source(**{'cpu_usage{host="web-1"}': {0: 70.0}, 'cpu_usage{host="web-2"}': {0: 79.5}})
    found = explained("cpu_usage > 80", data)
    assert verdict(found).key == "does_not_fire"
    assert [one.values["apart"] for one in verdict(found).because] == ["0.5", "10"]
    assert verdict(found).text == (
        'It does not fire: cpu_usage{host="web-2"}: 79.5 > 80 does not hold, 0.5 apart (and 1 more).'
    )


@pytest.mark.parametrize(
    ("stock", "key", "text"),
    [
        (Stock(0), "no_series", 'no series matches `cpu_usage{host="web-1"}`'),
        (
            Stock(2, AT - 7 * MINUTE),
            "no_sample",
            "without a sample after 2026-11-23T10:10:00.000Z up to 2026-11-23T10:15:00.000Z; the newest is from "
            "2026-11-23T10:08:00.000Z",
        ),
        (Stock(1, AT - MINUTE, ended=True), "ended", "ended at 2026-11-23T10:14:00.000Z with a staleness marker"),
        (Stock(1), "no_sample", "history holds no sample until then"),
    ],
)
def test_what_is_missing_is_named(stock: Stock, key: str, text: str) -> None:
    found = explained('cpu_usage{host="web-1"} > 80', source(other={0: 1.0}), stock=stock)
    (reason,) = verdict(found).because
    assert (verdict(found).key, reason.key) == ("does_not_fire", key)
    assert text in reason.text


def test_for_makes_it_pending_until_it_held_that_long() -> None:
    data = source(cpu_usage={minute: 85.0 if minute >= -2 else 70.0 for minute in range(-10, 5)})
    pending = explained("cpu_usage > 80", data, ", for: 5m")
    assert verdict(pending).key == "pending"
    assert verdict(pending).values["since"] == "2026-11-23T10:13:00.000Z"
    assert verdict(pending).values["fires_at"] == "2026-11-23T10:18:00.000Z"
    fires = explained("cpu_usage > 80", data, ", for: 5m", at_ms=AT + 3 * MINUTE)
    assert verdict(fires).key == "fires"
    assert (fires.alerts[0].since_ms, fires.alerts[0].fired_ms) == (None, AT + 3 * MINUTE)


def test_instants_that_were_not_known_count_for_no_timer() -> None:
    data = source(cpu_usage=dict.fromkeys(range(-20, 5), 85.0))
    dark = {AT - 2 * MINUTE, AT - 3 * MINUTE}
    subject = Subject(group("cpu_usage > 80", ", for: 5m"), 0, AT, known=lambda instant: instant not in dark)
    assert subject.window_start_ms == AT - 7 * MINUTE
    assert verdict(conclude(look(subject, data), {})).key == "fires"


def test_it_fires_on_for_as_long_as_it_is_kept_firing() -> None:
    data = source(cpu_usage={minute: 85.0 if minute <= -2 else 70.0 for minute in range(-10, 5)})
    kept = explained("cpu_usage > 80", data, ", keep_firing_for: 5m")
    assert verdict(kept).key == "kept_firing"
    assert verdict(kept).because[0].key == "not_passed"
    over = explained("cpu_usage > 80", data, ", keep_firing_for: 5m", at_ms=AT + 4 * MINUTE)
    assert verdict(over).key == "does_not_fire"


def test_at_an_instant_without_a_sign_nothing_is_concluded_from_what_is_missing() -> None:
    data = source(other={0: 1.0})
    assert verdict(explained("absent(cpu_usage)", data)).key == "fires"
    assert verdict(explained("absent(cpu_usage)", data, known=lambda _: False)).key == "unknown"
    # What is there is true whether or not others are missing.
    assert verdict(explained("other > 0", data, known=lambda _: False)).key == "fires"


def test_between_two_instants_of_the_grid_the_one_before_counts_unless_the_group_is_immediate() -> None:
    data = source(cpu_usage={-5: 70.0, 0: 70.0})
    late = FixedSource(
        {labels_from(labels_of("cpu_usage")): (np.array([AT - 1000, AT + 7000]), np.array([70.0, 85.0]))}
    )
    assert look(Subject(group("cpu_usage > 80"), 0, AT + 30_000), data).subject.instant_ms == AT
    assert verdict(explained("cpu_usage > 80", late, at_ms=AT + 7_000)).key == "does_not_fire"
    assert verdict(explained("cpu_usage > 80", late, at_ms=AT + 7_000, immediate=True)).key == "fires"


def test_a_comparison_of_two_vectors_shows_the_pairs_that_the_engine_makes() -> None:
    data = source(
        **{
            'used{disk="x",host="a"}': {0: 90.0},
            'used{disk="y",host="a"}': {0: 20.0},
            'used{disk="x",host="c"}': {0: 99.0},
            'most{host="a"}': {0: 80.0},
            'most{host="b"}': {0: 80.0},
        }
    )
    found = explained("used > on(host) group_left most", data)
    comparison = found.tree.comparison
    assert comparison is not None
    shown = [(one.labels["disk"], one.left, one.right, one.passed, one.by) for one in comparison.shown]
    assert shown == [("x", 90.0, 80.0, True, 10.0), ("y", 20.0, 80.0, False, -60.0)]
    assert (comparison.passed, comparison.failed, comparison.alone) == (1, 1, 2)


def test_what_fill_puts_in_place_of_a_missing_element_is_compared() -> None:
    data = source(**{'used{host="a"}': {0: 90.0}, 'used{host="b"}': {0: 5.0}, 'most{host="a"}': {0: 95.0}})
    comparison = explained("used > on(host) fill_right (1) most", data).tree.comparison
    assert comparison is not None
    assert [(one.labels["host"], one.left, one.right, one.passed) for one in comparison.shown] == [
        ("b", 5.0, 1.0, True),
        ("a", 90.0, 95.0, False),
    ]


@pytest.mark.parametrize(
    ("expr", "keys"),
    [
        ("a > 0 and on() c > 0", ["no_sample"]),
        ("a > 0 and b > 0", ["no_match"]),
        ("a unless on() b", ["excluded"]),
        ("c > 0 or d > 0", ["no_sample", "no_sample"]),
        ("absent(a)", ["present"]),
        ("rate(a[2m]) > 0", ["too_few_samples"]),
        ("sum(c) > 0", ["no_sample"]),
        ("a + c > 0", ["no_sample"]),
        ("max_over_time((a > 5)[3m:1m]) > 0", ["not_passed"]),
        ('label_replace(a, "x", "1", "", "") > 5', ["not_passed"]),
        ("a > on(n) b", ["failed"]),
    ],
)
def test_the_reason_is_looked_for_in_the_parts(expr: str, keys: list[str]) -> None:
    data = source(**{'a{n="1"}': {-5: 1.0, 0: 1.0}, 'b{n="2"}': {0: 1.0}, 'b{m="1",n="2"}': {0: 1.0}})
    if keys == ["failed"]:
        data = source(**{'a{n="1"}': {0: 1.0}, 'b{m="2",n="1"}': {0: 1.0}, 'b{m="1",n="1"}': {0: 1.0}})
    found = verdict(explained(expr, data))
    assert [one.key for one in found.because] == keys
    assert found.key == ("failed" if keys == ["failed"] else "does_not_fire")


def test_only_the_alerts_that_are_asked_for_count() -> None:
    data = source(**{'cpu_usage{host="web-1"}': {0: 85.0}, 'cpu_usage{host="web-2"}': {0: 70.0}})
    found = explained("cpu_usage > 80", data, about=(Matcher("host", "=", "web-2"),))
    assert verdict(found).key == "does_not_fire"
    assert [one.values["labels"] for one in verdict(found).because] == ['cpu_usage{host="web-2"}']
    assert part(found, "cpu_usage").total == 2


def test_a_rule_whose_alerts_would_be_the_same_fails_and_says_so() -> None:
    data = source(**{'a{n="1"}': {0: 1.0}, 'b{n="1"}': {0: 1.0}})
    found = explained('{__name__=~"a|b"} > 0', data)
    assert verdict(found).key == "failed"
    assert "same labelset" in verdict(found).text


def test_a_staleness_marker_is_no_value() -> None:
    found = explained("cpu_usage > 80", source(cpu_usage={-1: 85.0, 0: STALE}))
    assert [one.selectors[0].metric for one in silent(found)] == ["cpu_usage"]


def test_a_recording_rule_tells_what_it_records() -> None:
    text = "groups: [{name: g, interval: 1m, rules: [{record: 'a:sum', expr: sum(a)}]}]"
    plan = plan_group(parse_rule_file(text, "rules.yaml")[0])
    for data, key in ((source(a={0: 1.0}), "records"), (source(b={0: 1.0}), "records_nothing")):
        assert verdict(conclude(look(Subject(plan, 0, AT), data), {})).key == key


def test_lists_are_bounded_and_totals_are_told() -> None:
    data = source(**{f'a{{n="{number}"}}': {0: float(number)} for number in range(100)})
    found = explained("a >= 50", data)
    assert (len(found.tree.elements), found.tree.total) == (20, 50)
    assert found.tree.comparison is not None
    assert (len(found.tree.comparison.shown), found.tree.comparison.passed, found.tree.comparison.failed) == (
        20,
        50,
        50,
    )
    assert (len(found.alerts), found.total_alerts) == (20, 50)
    sums = " + ".join(["a"] * 15)
    deep = explained(" + ".join([f"({sums})"] * 20), data)
    shown = list(nodes(deep.tree))
    assert len(shown) <= 200
    assert sum(one.left_out for one in shown) > 0


def test_the_limits_hold_for_an_explanation() -> None:
    data = source(**{f'a{{n="{number}"}}': {0: 1.0} for number in range(10)})
    outside = Outside(options=Options(limits=Limits(series=5)))
    with pytest.raises(QueryRefused):
        explained("a > 0", data, outside=outside)


def test_a_long_window_ends_at_the_deadline() -> None:
    data = source(cpu_usage=dict.fromkeys(range(-60 * 24, 1), 85.0))
    looks = iter(range(10**9))
    limits = Limits(clock=lambda: float(next(looks)), deadline=60.0)
    with pytest.raises(QueryRefused, match="time"):
        explained("cpu_usage > 80", data, ", for: 24h", outside=Outside(options=Options(limits=limits)))
    # Within the slice under way, each of whose instants is tried alone; all 1,440 would be looked at twice.
    assert next(looks) < 60 + 2 * 2 * SLICE_STEPS
