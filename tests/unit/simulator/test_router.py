from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from infra.simulator.routeros.menus import duration, rows
from infra.simulator.routeros.router import Plan, Router
from infra.simulator.routeros.traffic import Interface

JAKARTA = timezone(timedelta(hours=7))
NOON = round(datetime(2026, 3, 4, 12, tzinfo=JAKARTA).timestamp() * 1000)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def router(**changed: object) -> Router:
    return Router(Plan("core-1", "7", **changed), NOON - 3 * DAY)  # type: ignore[arg-type]


def names(of: Router, at_ms: int) -> set[str]:
    return {session.subscriber.name for session in of.sessions(at_ms)}


def test_the_same_seed_is_the_same_provider() -> None:
    assert rows(router(), "/ppp/active", NOON) == rows(router(), "/ppp/active", NOON)
    other = Router(Plan("core-1", "8"), NOON - 3 * DAY)
    assert rows(other, "/ppp/active", NOON) != rows(router(), "/ppp/active", NOON)


def test_the_past_doesnt_depend_on_when_it_is_asked_for() -> None:
    one = router()
    later = names(one, NOON + 5 * HOUR)
    assert names(one, NOON) == names(router(), NOON)
    assert names(one, NOON + 5 * HOUR) == later


def test_more_are_online_in_the_evening_than_before_dawn() -> None:
    one = router()
    for service in ("pppoe", "hotspot"):
        evening = len(one.sessions(NOON + 8 * HOUR, service))
        dawn = len(one.sessions(NOON + 16 * HOUR, service))
        assert evening > 1.15 * dawn


def test_nobody_is_online_twice_or_before_they_came() -> None:
    one = router()
    for hour in range(48):
        sessions = one.sessions(NOON + hour * HOUR)
        assert len({session.subscriber.name for session in sessions}) == len(sessions)
        assert all(session.since_ms <= NOON + hour * HOUR for session in sessions)


def test_after_a_reboot_they_come_back_within_minutes() -> None:
    one = router()
    before = len(one.sessions(NOON, "pppoe"))
    one.reboot(NOON)
    assert len(one.sessions(NOON + 5_000)) == 0
    assert 0 < len(one.sessions(NOON + 45_000, "pppoe")) < before
    assert len(one.sessions(NOON + 2 * MINUTE, "pppoe")) == pytest.approx(before, abs=3)


def test_who_is_cut_off_stays_away_and_who_is_thrown_out_comes_back() -> None:
    one = router()
    there = names(one, NOON)
    cut, thrown = set(sorted(there)[:5]), set(sorted(there)[5:9])
    one.cut(cut)
    one.throw_out(thrown, NOON)
    assert names(one, NOON + 5_000) & (cut | thrown) == set()
    assert names(one, NOON + 2 * MINUTE) & cut == set()
    assert names(one, NOON + 2 * MINUTE) >= thrown


def test_counters_only_grow_and_stand_still_while_the_link_is_down() -> None:
    interface = Interface("ether1", "ether", 1000.0, 500.0)
    counts = [interface.counters(NOON, NOON + minute * MINUTE)["rx-byte"] for minute in range(3000)]
    assert counts == sorted(counts)
    assert 0 < max(after - before for before, after in pairwise(counts)) <= 1000 * 60 + 1
    interface.unplug(NOON + 10 * MINUTE)
    interface.unplug(NOON + 11 * MINUTE)
    assert interface.counters(NOON, NOON + 20 * MINUTE)["rx-byte"] == counts[10]
    interface.plug(NOON + 20 * MINUTE)
    after = interface.counters(NOON, NOON + 30 * MINUTE)
    assert after["rx-byte"] == pytest.approx(counts[10] + counts[30] - counts[20], abs=2)
    assert after["link-downs"] == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h1m1s"), (86_400, "1d"), (694_861, "1w1d1h1m1s"), (604_805, "1w5s")],
)
def test_time_spans_are_written_as_routeros_does(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_health_has_the_form_of_its_version() -> None:
    (flat,) = rows(router(version="6.49.17 (long-term)"), "/system/health", NOON) or []
    assert {"voltage", "cpu-temperature", "fan1-speed"} <= set(flat)
    assert ".id" not in flat
    named = rows(router(), "/system/health", NOON) or []
    assert {row["name"]: row["value"] for row in named} == flat
    assert {row["type"] for row in named} == {"C", "V", "RPM", "W", ""}
