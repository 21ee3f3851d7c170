"""What is read for a query is all that it looks at, and not much more."""

from shared.messages.series import NAME
from shared.promql.matching import Matcher, Selector
from shared.promql.query import compile_query
from shared.rules.files import parse_rule_file
from shared.rules.plan import plan_group
from shared.storage.wants import covering, joined, ranges_by_selector, wants_of, wants_of_group

MINUTE = 60_000
AT = 1_795_428_900_000  # 2026-11-23T10:15:00Z


def metric(name: str, *more: Matcher) -> Selector:
    return Selector((Matcher(NAME, "=", name), *more))


def wanted(expr: str, first_ms: int = AT, last_ms: int = AT) -> dict[Selector, tuple[tuple[int, int], ...]]:
    return ranges_by_selector(wants_of(compile_query(expr), first_ms, last_ms))


def test_a_selector_needs_the_lookback_before_the_first_instant_to_the_last() -> None:
    assert wanted("m > 1", AT, AT + MINUTE) == {metric("m"): ((AT - 5 * MINUTE, AT + MINUTE),)}


def test_ranges_offsets_and_the_same_series_far_apart() -> None:
    week = 7 * 24 * 60 * MINUTE
    found = wanted("rate(m[10m]) > rate(m[10m] offset 1w)")
    assert found == {metric("m"): ((AT - week - 10 * MINUTE, AT - week), (AT - 10 * MINUTE, AT))}


def test_a_pinned_selector_is_read_where_it_looks() -> None:
    assert wanted("m @ 1000", AT, AT + MINUTE) == {metric("m"): ((1_000_000 - 5 * MINUTE, 1_000_000),)}


def test_info_reads_its_info_series() -> None:
    found = wanted('info(m, {team=~".+"})')
    info = metric("target_info", Matcher("team", "=~", ".+"))
    assert found[metric("m")] == ((AT - 5 * MINUTE, AT),)
    assert found[info] == ((AT - 5 * MINUTE, AT),)


def test_a_groups_wants_are_shifted_by_its_query_offset_and_hold_the_queries_of_its_templates() -> None:
    text = """
groups:
  - name: g
    query_offset: 1m
    rules:
      - alert: A
        expr: m > 1
        annotations:
          summary: '{{ with query "n{a=\\"1\\"}" }}{{ . | first | value }}{{ end }}'
          other: '{{ printf "up{instance=%q}" $labels.instance | query | first | value }}'
"""
    group = plan_group(parse_rule_file(text, "rules.yaml")[0])
    found = ranges_by_selector(wants_of_group(group, AT, AT))
    assert found == {
        metric("m"): ((AT - 6 * MINUTE, AT - MINUTE),),
        metric("n", Matcher("a", "=", "1")): ((AT - 5 * MINUTE, AT),),
        metric("up"): ((AT - 5 * MINUTE, AT),),
    }


def test_stretches_that_overlap_or_touch_are_one() -> None:
    assert joined([(5, 7), (0, 2), (2, 4), (6, 9)]) == ((0, 4), (5, 9))


def test_what_a_wider_selector_loaded_covers_a_narrower_one_in_its_stretch_only() -> None:
    ranges = {metric("m"): ((0, 10), (20, 30))}
    narrow = metric("m", Matcher("a", "=", "1"))
    assert covering(ranges, narrow, 2, 10) == metric("m")
    assert covering(ranges, metric("m"), 20, 25) == metric("m")
    assert covering(ranges, narrow, 8, 22) is None
    assert covering(ranges, metric("n"), 2, 10) is None


def test_durations_that_name_the_step_or_the_range_of_a_range_query() -> None:
    query = compile_query("rate(m[step() * 2]) + n offset (range())")
    found = ranges_by_selector(wants_of(query, AT, AT + 10 * MINUTE, step_ms=MINUTE))
    assert found == {
        metric("m"): ((AT - 2 * MINUTE, AT + 10 * MINUTE),),
        metric("n"): ((AT - 15 * MINUTE, AT),),
    }
