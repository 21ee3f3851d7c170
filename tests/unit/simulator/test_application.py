"""The billing application's people and books: they follow from the seed and the time."""

from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from infra.simulator.application import customers
from infra.simulator.application.traffic import Request, busyness, requests_between
from infra.simulator.provider import provider

JAKARTA = timezone(timedelta(hours=7))
NOW_MS = round(datetime(2026, 3, 4, 20, 15, tzinfo=JAKARTA).timestamp() * 1000)
EVERYBODY = customers.subscribers(provider(3, "5", pppoe=40, hotspot=10))


def requests(seed: str, since_ms: int, until_ms: int) -> list[Request]:
    return list(requests_between(EVERYBODY, seed, 30.0, since_ms, until_ms))


def test_the_same_seed_makes_the_same_requests_however_the_time_is_cut() -> None:
    hour = requests("a", NOW_MS, NOW_MS + 3_600_000)
    cuts = [NOW_MS, NOW_MS + 1, NOW_MS + 7_777, NOW_MS + 1_000_003, NOW_MS + 3_600_000]
    pieces = [one for since, until in pairwise(cuts) for one in requests("a", since, until)]
    assert pieces == hour
    assert requests("b", NOW_MS, NOW_MS + 3_600_000) != hour


def test_requests_come_as_often_as_the_time_of_day_says() -> None:
    evening = len(requests("a", NOW_MS, NOW_MS + 3_600_000))
    night = len(requests("a", NOW_MS + 8 * 3_600_000, NOW_MS + 9 * 3_600_000))
    assert 0.8 * 30 * 60 < evening <= 30 * 60
    assert night < evening / 2


@pytest.mark.parametrize(("hour", "share"), [(19, 1.0), (7, 0.25)])
def test_busyness_is_highest_in_the_evening(hour: int, share: float) -> None:
    at = datetime(2026, 3, 4, hour, tzinfo=JAKARTA)
    assert busyness(round(at.timestamp() * 1000)) == pytest.approx(share)


def test_books_hold_every_customer_once_and_what_they_pay() -> None:
    rows = list(customers.pppoe_users(EVERYBODY, NOW_MS))
    assert len({row[0] for row in rows}) == len(rows) == 3 * 40
    assert Counter(row[1] for row in rows) == {"kota-1": 40, "kota-2": 40, "kota-3": 40}
    assert {row[2]: row[3] for row in rows} == customers.MONTHLY
    codes = [row[0] for row in customers.vouchers(EVERYBODY, NOW_MS)]
    assert len(set(codes)) == len(codes) == 3 * 10 * customers.VOUCHERS_EACH


def test_payments_of_the_past_are_in_the_past() -> None:
    now = customers.instant(NOW_MS)
    rows = list(customers.payments(EVERYBODY, NOW_MS))
    times = [row[-1] for row in rows if isinstance(row[-1], datetime)]
    assert len(times) == len(rows) > 3 * 40
    assert now - timedelta(days=33) < min(times) < max(times) < now
