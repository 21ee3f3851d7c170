"""Which partitions are made ahead and which are over."""

from datetime import UTC, date, datetime, timedelta, timezone

from services.history.core.partitions import Partition, plan

NOW = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)


def names(*days: str) -> set[str]:
    return {f"samples_{day}" for day in days}


def test_the_days_around_now_are_made_once() -> None:
    made = plan("samples", (), 30, NOW).make
    assert {one.name for one in made} == names("20261122", "20261123", "20261124", "20261125", "20261126")
    again = plan("samples", {one.name for one in made}, 30, NOW + timedelta(days=1))
    assert [one.name for one in again.make] == ["samples_20261127"]


def test_a_partition_goes_when_all_of_it_is_over() -> None:
    there = names("20261021", "20261022", "20261023", "20261024", "20261025", "default", "20261399", "x20200101")
    found = plan("samples", there, 30, NOW)
    # Thirty days ago it was 10:15 on the 24th of October: the 24th still holds what is to be kept.
    assert {one.name for one in found.drop} == names("20261021", "20261022", "20261023")
    assert found.delete_before == NOW - timedelta(days=30)


def test_what_is_made_is_not_dropped_at_once_however_short_the_retention() -> None:
    for hour in range(24):
        now = NOW.replace(hour=hour, minute=0)
        made = {one.name for one in plan("samples", (), 1, now).make}
        assert plan("samples", made, 1, now).drop == []


def test_days_are_of_utc() -> None:
    east = datetime(2026, 11, 24, 3, 0, tzinfo=timezone(timedelta(hours=7)))  # still the 23rd in UTC
    assert Partition("samples", date(2026, 11, 26)) in plan("samples", (), 30, east).make
    assert Partition("samples", date(2026, 11, 27)) not in plan("samples", (), 30, east).make
    day = Partition("samples", date(2026, 12, 31))
    assert (day.start, day.end) == (datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
