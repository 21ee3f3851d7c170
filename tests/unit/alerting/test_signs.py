"""What a router tells of the collectors' signs with a marker."""

from services.alerting.core import signs
from services.alerting.core.inputs import Sign


def test_of_each_source_one_a_second_and_the_latest() -> None:
    noted = signs.Signs()
    for at in (0, 400, 900, 1_000, 1_999, 2_500, 90_000):
        noted.note(Sign("collector/a", at, at))
    noted.note(Sign("collector/b", 90_001, 5))
    assert [(one.source[-1], one.accepted_ms) for one in noted.take()] == [
        ("a", 900),
        ("a", 1_999),
        ("a", 2_500),
        ("a", 90_000),
        ("b", 90_001),
    ]
    assert noted.take() == []


def test_they_are_bounded_and_the_latest_of_a_source_stays() -> None:
    noted = signs.Signs()
    for second in range(signs.MOST_SIGNS + 10):
        noted.note(Sign("collector/a", second * 1_000, 0))
    noted.note(Sign("collector/b", 0, 0))
    taken = noted.take()
    assert len(taken) == signs.MOST_SIGNS
    assert taken[-1].accepted_ms == (signs.MOST_SIGNS + 9) * 1_000


def test_what_a_collector_held_back_is_a_sign_of_each_second_of_its_own_time() -> None:
    noted = signs.Signs()
    for batch in range(20):
        noted.note(Sign("collector/a", 700_000 + batch, 100_000 + 30_000 * batch))
    assert [one.newest_ms for one in noted.take()] == [100_000 + 30_000 * batch for batch in range(20)]
