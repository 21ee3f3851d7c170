"""One scrape after another: what is new, what is gone, what is refused. The semantics are Prometheus'."""

import pytest

from services.collector.core.scrape.labelling import LabelLimits
from services.collector.core.scrape.relabel import Rule
from services.collector.core.scrape.session import UNUSED_SERIES
from services.collector.core.scrape.taken import MOST_TEXT, Taken, batches, markers
from shared.messages.samples import MOST_SAMPLES, STALE, Sample, SampleBatch
from tests.unit.collector.scrape.target import NOW, session

SECOND = 1_000


def values(taken: Taken) -> dict[str, float]:
    return dict(zip(taken.keys, taken.values.tolist(), strict=True))


def gone(taken: Taken) -> list[str]:
    return [key for key, _ in taken.stale]


def test_a_series_that_is_gone_is_marked_once() -> None:
    target = session()
    assert target.take(b"a 1\nb 2\n", False, NOW).stale == []
    second = target.take(b"b 3\n", False, NOW + SECOND)
    assert (values(second), gone(second)) == ({"b": 3.0}, ["a"])
    assert gone(target.take(b"b 3\n", False, NOW + 2 * SECOND)) == []
    back = target.take(b"b 3\na 4\n", False, NOW + 3 * SECOND)
    assert (values(back), gone(back), back.added) == ({"b": 3.0, "a": 4.0}, [], 1)


def test_a_scrape_that_fails_marks_everything_and_what_comes_back_is_not_new() -> None:
    target = session()
    assert target.take(b"a 1\nb 2\n", False, NOW).added == 2
    failed = target.failed("refused", "nobody listens")
    assert (failed.failure, failed.error, gone(failed), failed.keys) == ("refused", "nobody listens", ["a", "b"], [])
    assert gone(target.failed("refused", "nobody listens")) == []
    back = target.take(b"a 1\nb 2\n", False, NOW + SECOND)
    assert (back.added, gone(back), len(back.keys)) == (0, [], 2)
    assert gone(target.failed("refused", "")) == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        *[b"a 1\nb two\n", b"a 1\nb\n", b'a 1\nb{c="d} 1\n', b"a 1\n1b 2\n", b"a 1\nb 1_000\n", b"a 1\nb\xff 1\n"],
        *[b"a 1\nb 2 3 4\n", b"a 1\r\n", b'a{b="1",b="2"} 1\n', b"# TYPE a nonsense\na 1\n", b"a 1\nb 0x10\n"],
        *[b'a{b="1" c="2"} 1\n', b'a{b="1",,} 1\n', b"a 1 -5\n", "a ١\n".encode(), b"{} 1\n", b'{b="1"} 1\n'],
    ],
)
def test_an_illegal_line_fails_the_whole_scrape(body: bytes) -> None:
    target = session()
    target.take(b"a 1\n", False, NOW)
    taken = target.take(body, False, NOW + SECOND)
    assert (taken.failure, taken.keys, gone(taken)) == ("parse", [], ["a"])
    assert taken.error
    assert values(target.take(b"a 2\n", False, NOW + 2 * SECOND)) == {"a": 2.0}


@pytest.mark.parametrize(
    "body",
    [
        *[b"a 1\n", b"a 1\n# EOF\nb 2\n", b"a 1\n\n# EOF\n", b"# a comment\na 1\n# EOF\n", b"a  1\n# EOF\n"],
        *[b"# TYPE a untyped\na 1\n# EOF\n", b"a 1 # {b} 1\n# EOF\n", b"a 1 later\n# EOF\n", b"# UNIT a_b c\n# EOF\n"],
    ],
)
def test_openmetrics_is_strict(body: bytes) -> None:
    assert session().take(body, True, NOW).failure == "parse"


def test_white_space_that_the_classic_format_allows() -> None:
    body = b'  a\t1\n# \n   # a comment\n\t\nb { c = "d" , e="f" , }\t\t2  \n{"g",h="i"} 3\nj \t4\n'
    target = session()
    for now in (NOW, NOW + SECOND):
        assert values(target.take(body, False, now)) == {"a": 1, 'b{c="d",e="f"}': 2, 'g{h="i"}': 3, "j": 4}


def test_nothing_at_all_is_a_target_without_series() -> None:
    target = session()
    target.take(b"a 1\n# EOF\n", True, NOW)
    empty = target.take(b"", True, NOW + SECOND)
    assert (empty.failure, gone(empty)) == ("", ["a"])


def test_of_two_samples_of_a_series_the_first_is_taken_and_the_other_counted() -> None:
    target = session()
    for now in (NOW, NOW + SECOND):
        taken = target.take(b'a{b="1"} 1\na{b="1"} 2\nc 3\n', False, now)
        assert values(taken) == {'a{b="1"}': 1.0, "c": 3.0}
        assert taken.refused == {"duplicate_sample": 1}
        assert (taken.failure, taken.scraped, taken.post_relabelling) == ("", 3, 3)
    # Two that relabelling makes one, too.
    merged = session(Rule("labeldrop", regex="b")).take(b'a{b="1"} 1\na{b="2"} 2\n', False, NOW)
    assert (values(merged), merged.refused, merged.added) == ({"a": 1.0}, {"duplicate_sample": 1}, 1)


def test_times_of_their_own() -> None:
    body = f"a 1 {NOW - 5000}\na 2 {NOW - 4000}\nb 3\n".encode()
    target = session()
    taken = target.take(body, False, NOW)
    assert list(zip(taken.keys, taken.times.tolist(), taken.values.tolist(), strict=True)) == [
        ("a", NOW - 5000, 1.0),
        ("a", NOW - 4000, 2.0),
        ("b", NOW, 3.0),
    ]
    (batch,) = batches("x", taken)
    assert SampleBatch.decode(batch.encode()).samples()[1] == Sample("a", NOW - 4000, 2.0, "unknown")
    # Without a marker, for nobody knows when they end; unless that is asked for.
    assert gone(target.take(b"c 1\n", False, NOW + SECOND)) == ["b"]
    tracking = session(track_timestamps_staleness=True)
    tracking.take(body, False, NOW)
    assert gone(tracking.take(b"c 1\n", False, NOW + SECOND)) == ["a", "b"]
    ignoring = session(honor_timestamps=False).take(body, False, NOW)
    assert set(ignoring.times.tolist()) == {NOW}
    assert (values(ignoring), ignoring.refused) == ({"a": 1.0, "b": 3.0}, {"duplicate_sample": 1})


def test_times_that_can_not_be_are_refused() -> None:
    ahead = NOW + 10 * 60 * SECOND
    taken = session().take(f"a 1 {ahead}\nb 1 {ahead + 1}\nc 1 0\nd 1 {10**30}\n".encode(), False, NOW)
    assert (taken.keys, taken.refused) == (["a"], {"out_of_bounds": 3})


def test_labels_of_the_target() -> None:
    target = {"job": "shop", "instance": "10.0.0.1:80"}
    body = b'a{job="own",exported_job="older",x="y"} 1\n'
    (key,) = session(target=target).take(body, False, NOW).keys
    assert key == 'a{exported_exported_job="own",exported_job="older",instance="10.0.0.1:80",job="shop",x="y"}'
    (key,) = session(target=target, honor_labels=True).take(body, False, NOW).keys
    assert key == 'a{exported_job="older",instance="10.0.0.1:80",job="own",x="y"}'
    (key,) = session(target=target, honor_labels=True).take(b'a{instance=""} 1\n', False, NOW).keys
    assert key == 'a{job="shop"}'


def test_series_that_relabelling_drops_are_counted_and_never_there() -> None:
    target = session(Rule("drop", ("__name__",), regex="go_.*"), sample_limit=1)
    for now in (NOW, NOW + SECOND):
        taken = target.take(b"go_a 1\nb 2\ngo_c 3\n", False, now)
        assert (values(taken), taken.scraped, taken.post_relabelling) == ({"b": 2.0}, 3, 1)
    assert gone(target.take(b"go_a 1\n", False, NOW + 2 * SECOND)) == ["b"]


def test_limits_fail_the_scrape() -> None:
    over = session(sample_limit=2).take(b"a 1\nb 2\nc 3\n", False, NOW)
    assert (over.failure, over.scraped, over.post_relabelling, over.keys) == ("sample_limit", 3, 3, [])
    body = b'a{bcdef="ghij"} 1\n'
    for limits in (LabelLimits(labels=1), LabelLimits(name_length=4), LabelLimits(value_length=3)):
        assert session(limits=limits).take(body, False, NOW).failure == "label_limit"
    enough = LabelLimits(labels=2, name_length=8, value_length=4)
    assert session(limits=enough).take(body, False, NOW).failure == ""


def test_names_beyond_the_classic_alphabet_fail_the_scrape_and_what_the_bus_can_not_carry_is_left_out() -> None:
    assert session().take(b'{"http.requests",a="b"} 1\n', False, NOW).failure == "bad_name"
    assert session().take(b'{"a","b.c"="d"} 1\n', False, NOW).failure == "bad_name"
    assert session(Rule("labeldrop", regex="__name__")).take(b'a{b="c"} 1\n', False, NOW).failure == "bad_name"
    target = session()
    for now in (NOW, NOW + SECOND):
        taken = target.take(b'a{b="' + b"x" * 3000 + b'"} 1\nc 2\n', False, now)
        assert (values(taken), taken.refused) == ({"c": 2.0}, {"bad_sample": 1})


def test_the_end_of_a_target() -> None:
    target = session()
    target.take(b"# TYPE a_total counter\na_total 1\nb 2\n", False, NOW)
    ended = target.ended()
    assert ended == [("a_total", "counter"), ("b", "unknown")]
    (batch,) = markers("x", ended, NOW + SECOND)
    assert batch.types == ["counter", "unknown"]
    assert batch.values == SampleBatch.of("x", [Sample("a", NOW, STALE)] * 2).values
    assert target.ended() == []


def test_series_that_only_failed_scrapes_had_are_forgotten() -> None:
    target = session()
    target.take(b"a 1\n", False, NOW)
    for number in range(5):
        lines = "".join(f'a{{scrape="{number}",i="{i}"}} 1\n' for i in range(UNUSED_SERIES))
        assert target.take(f"{lines}broken\n".encode(), False, NOW + number).failure == "parse"
    assert len(target._entries) <= 2 * UNUSED_SERIES + 2


def test_an_order_that_changes_is_followed() -> None:
    target = session()
    for order in (("a", "b"), ("b", "a"), ("b", "a"), ("a", "c", "b"), ("b",)):
        taken = target.take("".join(f"{one} {ord(one)}\n" for one in order).encode(), False, NOW)
        assert values(taken) == {one: float(ord(one)) for one in order}


def test_batches_hold_what_messages_may() -> None:
    many = "".join(f'a{{i="{i}"}} {i}\n' for i in range(MOST_SAMPLES + 5)).encode()
    assert [len(one) for one in batches("x", session().take(many, False, NOW))] == [MOST_SAMPLES, 5]
    long = "".join(f'a{{i="{i}",b="{"x" * 2000}"}} {i}\n' for i in range(1_000)).encode()
    made = batches("x", session().take(long, False, NOW))
    assert all(sum(map(len, one.series)) <= MOST_TEXT for one in made)
    assert [sample.value for one in made for sample in SampleBatch.decode(one.encode()).samples()] == list(range(1_000))
