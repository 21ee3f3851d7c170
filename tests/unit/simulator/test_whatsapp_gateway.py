"""The simulated gateway: all of it follows from seed and time."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from infra.simulator.whatsapp.__main__ import section
from infra.simulator.whatsapp.gateway import Gateway, Plan
from infra.simulator.whatsapp.served import ServedGateway
from infra.simulator.whatsapp.traffic import BY_HOUR, arrivals
from infra.simulator.whatsapp.webhooks import body_of
from services.collector.settings import Settings
from shared.settings import load

# 2026-03-04, 10:00 in western Indonesia.
MORNING = 1_772_593_200_000
MINUTE = 60_000


def run(plan: Plan, steps_ms: Iterable[int]) -> Gateway:
    gateway = Gateway(plan, MORNING)
    now_ms = MORNING
    for step in steps_ms:
        now_ms += step
        gateway.advance(now_ms)
    return gateway


def test_the_same_seed_gives_the_same_however_the_time_is_cut() -> None:
    plan = Plan(seed="7", per_minute=20)
    one, other = run(plan, [30 * MINUTE]), run(plan, [7_001, 52_999, *[MINUTE] * 27, 119_000, 1_000])
    assert one.now_ms == other.now_ms
    assert one.counted == other.counted
    assert sum(one.counted.values()) > 500
    assert [*map(body_of, sorted(one.happened))] != []
    told = [{(one.at_ms, one.event, one.payload) for one in gateway.happened} for gateway in (one, other)]
    assert told[0] == told[1]
    assert run(Plan(seed="8", per_minute=20), [30 * MINUTE]).counted != one.counted


def test_there_is_more_to_send_by_day() -> None:
    night = MORNING - 8 * 60 * MINUTE
    by_day, by_night = (sum(1 for _ in arrivals("0", 30, start, start + 60 * MINUTE)) for start in (MORNING, night))
    assert by_day == pytest.approx(30 * 60 * BY_HOUR[10], rel=0.05)
    assert by_night == pytest.approx(30 * 60 * BY_HOUR[2], rel=0.3)


def test_a_queue_that_is_stuck_grows_and_empties_at_its_pace() -> None:
    gateway = run(Plan(per_minute=30, most_per_second=2), [10 * MINUTE])
    assert len(gateway.queue) <= 2
    gateway.stick()
    left = len(gateway.messages)
    gateway.advance(gateway.now_ms + 10 * MINUTE)
    waiting = len(gateway.queue)
    assert waiting > 300
    assert len(gateway.messages) == left
    oldest = gateway.oldest_ms()
    assert oldest is not None
    assert gateway.now_ms - oldest > 9 * MINUTE
    gateway.release()
    gateway.advance(gateway.now_ms + 30_000)
    assert len(gateway.messages) - left == pytest.approx(61, abs=2), "two a second"
    gateway.advance(gateway.now_ms + 30 * MINUTE)
    assert len(gateway.queue) <= 2


def test_after_a_logout_that_nobody_noticed_nothing_arrives_though_it_says_working() -> None:
    gateway = run(Plan(per_minute=30), [10 * MINUTE])
    gateway.log_out()
    before = dict(gateway.counted)
    message = gateway.send("default", "6281@c.us", "halo")
    gateway.advance(gateway.now_ms + 600 * MINUTE)
    assert gateway.accounts["default"].state == "WORKING"
    assert message.ack(gateway.now_ms) == 0
    late = sum(gateway.counted[one, "sent"] - before.get((one, "sent"), 0) for one in ("invoice", "voucher", "api"))
    assert late <= 2, "those that had left"
    assert len(gateway.queue) <= 2, "it takes them all"
    gateway.log_in()
    message = gateway.send("default", "6281@c.us", "halo")
    gateway.advance(gateway.now_ms + MINUTE)
    assert message.ack(gateway.now_ms) != 0


def test_a_session_that_is_not_linked_asks_for_its_code_when_it_is_started() -> None:
    gateway = Gateway(Plan(per_minute=0), MORNING)
    gateway.log_out()
    gateway.start("default")
    gateway.advance(MORNING + 10_000)
    assert [dict(one.payload)["status"] for one in gateway.happened] == ["STARTING", "SCAN_QR_CODE"]


def test_the_section_that_it_prints_watches_it(tmp_path: Path) -> None:
    served = ServedGateway(Plan(), port=3000)
    (tmp_path / "pantau.yaml").write_text(section(served))
    (gateway,) = load(Settings, {}, tmp_path / "pantau.yaml").whatsapp.gateways
    assert gateway.waha is not None
    assert gateway.status is not None
    assert (gateway.waha.url, gateway.waha.key()) == (served.url, served.plan.api_key)
    assert gateway.status.url == served.status_url
