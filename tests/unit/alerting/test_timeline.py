"""Event time: how far it has come, whom it waits for after the bus was away, and when the world was watched."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerting.core.inputs import Marker, Progress, Sign
from services.alerting.core.terms import Terms
from services.alerting.core.timeline import MOST_SIGNS, Timeline

TERMS = Terms(leap_ms=10_000, patience_ms=30_000, lateness_ms=60_000)
MINUTE = 60_000


def told(timeline: Timeline, watermark: int, *signs: Sign, partition: int = 0, of: int = 1, revision: int = 0) -> int:
    timeline.advance(Marker(of, [Progress(partition, watermark, revision, list(signs))]))
    return timeline.now_ms


def watched(until: int = MINUTE, source: str = "a") -> Timeline:
    """A collector gave a sign each second."""
    timeline = Timeline(TERMS)
    for at in range(1_000, until + 1, 1_000):
        told(timeline, at, Sign(source, at, at))
    return timeline


def test_it_is_that_of_the_partition_that_is_furthest_behind() -> None:
    timeline = Timeline(TERMS)
    assert told(timeline, 5_000, of=2, revision=7) == 0, "one has not spoken yet"
    assert timeline.rules_revision == -1
    assert told(timeline, 3_000, partition=1, of=2, revision=4) == 3_000
    assert timeline.rules_revision == 4
    assert told(timeline, 9_000, partition=1, of=2) == 5_000


def test_after_a_leap_it_waits_for_who_was_there_before() -> None:
    timeline = watched()
    assert told(timeline, MINUTE + 10_000) == MINUTE + 10_000, "no leap yet"
    assert told(timeline, 10 * MINUTE) == MINUTE + 10_000
    assert told(timeline, 10 * MINUTE + 1_000, Sign("a", 10 * MINUTE + 900, 2 * MINUTE)) == MINUTE + 10_000, "behind"
    assert told(timeline, 10 * MINUTE + 2_000, Sign("a", 10 * MINUTE + 1_900, 10 * MINUTE)) == 10 * MINUTE + 2_000


def test_it_does_not_wait_for_ever_nor_for_who_was_gone_before() -> None:
    timeline = watched()
    assert told(timeline, 10 * MINUTE) == MINUTE
    assert told(timeline, 10 * MINUTE + 29_999) == MINUTE
    assert told(timeline, 10 * MINUTE + 30_000) == 10 * MINUTE + 30_000
    assert told(timeline, 20 * MINUTE) == 20 * MINUTE, "nobody gave a sign in the two minutes before"


def test_who_came_back_within_the_leap_is_not_waited_for_unless_he_is_behind() -> None:
    assert told(watched(), 10 * MINUTE, Sign("a", 9 * MINUTE, 9 * MINUTE)) == 10 * MINUTE
    assert told(watched(), 10 * MINUTE, Sign("a", 9 * MINUTE, 3 * MINUTE)) == MINUTE


def test_a_sign_of_before_the_leap_ends_no_waiting() -> None:
    timeline = watched()
    told(timeline, 10 * MINUTE)
    assert told(timeline, 10 * MINUTE + 1, Sign("a", MINUTE, MINUTE)) == MINUTE


def test_an_instant_is_known_by_a_sign_in_the_time_before_it() -> None:
    timeline = Timeline(TERMS)
    told(timeline, 10 * MINUTE, Sign("a", MINUTE, MINUTE), Sign("a", 10 * MINUTE, 5 * MINUTE))
    assert not timeline.known(MINUTE - 1, MINUTE)
    assert timeline.known(MINUTE, MINUTE)
    assert timeline.known(2 * MINUTE - 1, MINUTE)
    assert not timeline.known(2 * MINUTE, MINUTE), "left-open"
    assert timeline.known(5 * MINUTE, MINUTE), "what was held back is a sign of its own time"
    timeline.forget(5 * MINUTE)
    assert not timeline.known(5 * MINUTE, MINUTE)
    assert timeline.known(10 * MINUTE, MINUTE)


def test_days_of_signs_each_second_are_remembered_less_densely() -> None:
    timeline, seconds = Timeline(TERMS), MOST_SIGNS + 50_000
    for at in range(0, seconds, 10_000):
        signs = [Sign("a", second * 1_000, second * 1_000) for second in range(at + 1, at + 10_001)]
        told(timeline, (at + 10_000) * 1_000, *signs)
    assert len(timeline.store().signs) <= MOST_SIGNS
    assert all(timeline.known(minute * MINUTE, MINUTE) for minute in range(1, seconds // 60))


def test_how_far_groups_have_come_never_goes_back() -> None:
    timeline = Timeline(TERMS)
    timeline.advance(Marker(1, [], {"g": 10}))
    timeline.advance(Marker(1, [], {"g": 5}))
    assert timeline.evaluated == {"g": 10}
    timeline.forget_group("g")
    assert timeline.evaluated == {}


SIGNS = st.builds(Sign, st.sampled_from("ab"), st.integers(0, 40).map(lambda at: at * 7_000), st.integers(0, 280_000))
MARKERS = st.builds(
    lambda partition, watermark, signs: Marker(2, [Progress(partition, watermark * 7_000, 0, signs)]),
    st.integers(0, 1),
    st.integers(0, 40),
    st.lists(SIGNS, max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(MARKERS, max_size=20), st.integers(0, 20))
def test_told_twice_or_stored_in_between_it_is_the_same(markers: list[Marker], stored_at: int) -> None:
    once, twice, stored = Timeline(TERMS), Timeline(TERMS), Timeline(TERMS)
    for place, marker in enumerate(markers):
        before = once.now_ms
        once.advance(marker)
        twice.advance(marker)
        twice.advance(marker)
        stored.advance(marker)
        if place == stored_at:
            stored = Timeline.restore(TERMS, stored.store())
        assert before <= once.now_ms <= once.watermark_ms or once.now_ms == before
        assert once.store() == twice.store() == stored.store()
