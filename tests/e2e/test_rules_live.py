"""Rules on the running product: one feeds another, each explains itself, what is wrong is shown and harms nobody else,
and what was missed during a restart is made up for."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared import clock
from shared.messages.message import instant_from_text
from tests.conftest import eventually
from tests.e2e.conftest import MOST_SERIES, Client, Recorder, Stack
from tests.integration.stored_samples import store

RULES = "/api/monitoring/alerts/rules"


async def create(client: Client, *groups: dict[str, Any]) -> None:
    for group in groups:
        status, body = await client.post(RULES, group)
        assert status in (200, 201), body


async def status_of(client: Client, group: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"{RULES}/{group}"))["status"]
    return found


async def until_active(client: Client, *groups: str) -> None:
    async def all_active() -> bool:
        return {(await status_of(client, group))["state"] for group in groups} == {"active"}

    await eventually(all_active)


def told(recorder: Recorder, rule: str, states: list[str]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return recorder.states(rule) == states

    return look


async def until_told(recorder: Recorder, rule: str, *states: str) -> list[dict[str, Any]]:
    """The notifications about a rule, once they are these and no others."""
    await eventually(told(recorder, rule, list(states)))
    return [one.alert for one in recorder.of(rule)]


async def until_over(recorder: Recorder, rule: str) -> list[dict[str, Any]]:
    """What was told of an alert that came and went: its beginning and its end, or that it passed."""

    async def look() -> bool:
        return recorder.states(rule) in (["firing", "resolved"], ["passed"])

    await eventually(look)
    return [one.alert for one in recorder.of(rule)]


def at(text: str) -> int:
    return instant_from_text(text)


async def test_a_recording_rule_feeds_an_alert_that_explains_itself(client: Client, recorder: Recorder) -> None:
    await create(
        client,
        {"name": "live-sums", "rules": [{"record": "live:orders:sum", "expr": "sum by (shop) (live_orders)"}]},
        {
            "name": "live-alerts",
            "rules": [
                {
                    "alert": "LiveOrders",
                    "expr": "live:orders:sum > 50",
                    "for": "2s",
                    "labels": {"team": "{{ $labels.shop }}-team", "severity": "critical"},
                    "annotations": {"summary": "{{ $value | humanize }} orders"},
                }
            ],
        },
        {
            "name": "live-above",
            "rules": [{"alert": "LiveAbove", "expr": 'count(ALERTS{alertname="LiveOrders",alertstate="firing"}) > 0'}],
        },
    )
    for box, value in (("1", 30), ("2", 40)):
        await client.sample("live_orders", value, shop="north", box=box)
    (fired,) = await until_told(recorder, "LiveOrders", "firing")
    assert fired["message"] == "70 orders"
    assert fired["labels"] == {
        "alertname": "LiveOrders", "shop": "north", "team": "north-team", "severity": "critical",
    }  # fmt: skip
    await until_told(recorder, "LiveAbove", "firing")

    shown = await client.get(f"/api/monitoring/alerts/{fired['alert_id']}")
    pending, firing = shown["transitions"]
    assert [pending["state"], firing["state"]] == ["pending", "firing"]
    assert at(firing["instant"]) - at(pending["instant"]) == 2_000
    evidence = firing["evidence"]
    (series,) = evidence["series"]
    assert (series["series"], evidence["topic"]) == ('live:orders:sum{shop="north"}', "pantau.samples")
    assert series["samples"][-1]["value"] == 70
    assert min(series["partition"], series["offset"]) >= 0
    assert at(evidence["taken_at"]) <= at(evidence["accepted_at"]) <= at(firing["decided_at"])
    assert (firing["group_version"], firing["threshold"], firing["late_ms"]) == (1, 50, 0)
    assert shown["rule"]["now"] == "same"

    why = await explained(client, "LiveOrders", "fires")
    assert why["rule"]["rule_version"] == firing["rule_version"]
    (rule,) = (await client.get("/api/v1/rules", **{"rule_name[]": "LiveOrders"}))["data"]["groups"][0]["rules"]
    assert (rule["health"], rule["state"], len(rule["alerts"])) == ("ok", "firing", 1)

    await client.sample("live_orders", 5, shop="north", box="1")
    await until_told(recorder, "LiveOrders", "firing", "resolved")
    await until_told(recorder, "LiveAbove", "firing", "resolved")
    why_not = await explained(client, "LiveOrders", "does_not_fire")
    assert [one["key"] for one in why_not["verdict"]["because"]] == ["not_passed"]
    assert why_not["verdict"]["because"][0]["values"]["left"] == "45"


async def explained(client: Client, rule: str, verdict: str) -> dict[str, Any]:
    """What is said of a rule, once history is complete up to then and the verdict is this one."""

    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = await client.get("/api/monitoring/alerts/explain", rule=rule)
        return found if found["history"]["complete"] and found["verdict"]["key"] == verdict else None

    return await eventually(look)


async def test_a_shadow_rule_is_shown_and_not_sent_until_it_is_promoted(client: Client, recorder: Recorder) -> None:
    await create(
        client,
        {
            "name": "live-shadow",
            "immediate": True,
            "rules": [
                {"alert": "LiveTried", "expr": "live_tried > 1", "shadow": True},
                {"alert": "LiveTrusted", "expr": "live_tried > 1"},
            ],
        },
    )
    await client.sample("live_tried", 5)
    await until_told(recorder, "LiveTrusted", "firing")

    async def shadows() -> list[str]:
        listed = await client.get("/api/monitoring/alerts", shadow="true", status="active")
        return [one["name"] for one in listed if one["name"] == "LiveTried"]

    assert await eventually(shadows) == ["LiveTried"]
    assert not await client.active("LiveTried")

    status, body = await client.post(f"{RULES}/live-shadow/promote?rule=LiveTried", None)
    assert status == 200, body
    await until_told(recorder, "LiveTried", "firing")
    assert await eventually(lambda: client.active("LiveTried"))
    await client.sample("live_tried", 0)
    await until_told(recorder, "LiveTried", "firing", "resolved")
    assert recorder.states("LiveTrusted") == ["firing", "resolved"], "the other rule is not touched"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"expr": "sum(live_bad"}, "unclosed left parenthesis"),
        ({"expr": "live_bad > 1", "labels": {"not-one!": "x"}}, "'not-one!' can't be a label"),
        ({"expr": "live_bad > 1", "labels": {"x": "{{ .Unclosed"}}, "template"),
        ({"expr": "max_over_time(live_bad[400d]) > 1"}, "history keeps samples for"),
        ({"expr": "no_such_function(live_bad) > 1"}, "no_such_function"),
    ],
)
async def test_what_can_never_be_evaluated_is_refused(client: Client, rule: dict[str, Any], says: str) -> None:
    status, problem = await client.post(RULES, {"name": "live-refused", "rules": [{"alert": "A", **rule}]})
    assert status == 422
    assert says in json.dumps(problem)


async def test_a_cycle_of_groups_is_refused_with_its_path(client: Client) -> None:
    await create(client, {"name": "live-first", "rules": [{"record": "live:a", "expr": "live:b + 1"}]})
    status, problem = await client.post(
        RULES, {"name": "live-second", "rules": [{"record": "live:b", "expr": "live:a"}]}
    )
    assert status == 422
    assert "live-second -> live-first -> live-second" in problem["detail"]


HELD = {
    "live-labels": ({"alert": "A", "expr": "live_held > 0", "labels": {"box": "same"}}, "same labelset"),
    "live-recorded": ({"record": "live:held", "expr": "live_held"}, "live:held"),
    "live-matching": ({"alert": "A", "expr": "live_held * on () live_held > 0"}, "many-to-many"),
    "live-limit": ({"alert": "A", "expr": "live_held > 0"}, "exceeded limit of 1"),
    "live-pinned": ({"alert": "A", "expr": "live_held @ 1700000000 > 0"}, "'@'"),
}


async def test_what_fails_on_the_data_is_shown_and_every_other_rule_goes_on(client: Client, recorder: Recorder) -> None:
    for name, (rule, _) in HELD.items():
        # The same twice: it is the second that records the same series.
        rules = [rule, rule] if name == "live-recorded" else [rule]
        beside = {"alert": f"Beside_{name.replace('-', '_')}", "expr": "sum(live_held) > 0"}
        await create(client, {"name": name, "limit": int(name == "live-limit"), "rules": [*rules, beside]})
    by_nothing = {"alert": "ByNothing", "expr": "sum(live_held) / 0 > 5"}
    of_nothing = {"alert": "OfNothing", "expr": "0 * sum(live_held) / 0 > 5"}
    await create(client, {"name": "live-zero", "rules": [by_nothing, of_nothing]})
    for box, value in (("1", 1), ("2", 2), ("3", 3)):
        await client.sample("live_held", value, box=box)

    for name, (_, reason) in HELD.items():

        async def shown(name: str = name, reason: str = reason) -> bool:
            state = await status_of(client, name)
            return state["state"] == "active" and [reason in one["reason"] for one in state["problems"]] == [True]

        await eventually(shown)
        await until_told(recorder, f"Beside_{name.replace('-', '_')}", "firing")
    (divided,) = await until_told(recorder, "ByNothing", "firing")
    assert divided["value"] == "Infinity"
    assert recorder.states("OfNothing") == [], "not a number is not above anything"


async def test_a_window_that_is_longer_than_the_bus_keeps_is_filled_from_history(
    stack: Stack, client: Client, recorder: Recorder
) -> None:
    now, hour = clock.now_ms(), 3_600_000
    old = {
        'live_old{box="1"}': [(now - 90 * hour, 8.0), (now - 80 * hour, 9.0)],
        'live_old{box="2"}': [(now - 100 * hour, 9.0)],
    }
    await asyncio.to_thread(store, stack.dsn, old)
    for box in ("1", "2"):
        await client.sample("live_old", 1, box=box)
    rules = [
        {"alert": "LongMost", "expr": "max_over_time(live_old[4d]) > 5"},
        {"alert": "LongCount", "expr": "count_over_time(live_old[4d]) >= 3"},
    ]
    await create(client, {"name": "live-long", "rules": rules})
    for rule, value in (("LongMost", 9), ("LongCount", 3)):
        (fired,) = await until_told(recorder, rule, "firing")
        assert (fired["labels"]["box"], fired["value"]) == ("1", value)


async def test_a_group_that_selects_too_much_is_refused_alone(client: Client, recorder: Recorder) -> None:
    for first in range(0, MOST_SERIES + 1, 1_000):
        samples = [
            {"metric_name": "live_many", "value": 1, "labels": {"number": str(first + number)}}
            for number in range(1_000)
        ]
        status, body = await client.post("/api/monitoring/metrics", samples)
        assert status == 202, body
    await create(
        client,
        {"name": "live-million", "rules": [{"alert": "Million", "expr": "live_many > 0"}]},
        {"name": "live-few", "rules": [{"alert": "Few", "expr": 'live_many{number="7"} > 0'}]},
    )

    async def refused() -> bool:
        state = await status_of(client, "live-million")
        return state["state"] == "refused" and f"more than {MOST_SERIES} series" in state["reason"]

    await eventually(refused)
    (group,) = (await client.get("/api/v1/rules", **{"rule_group[]": "live-million"}))["data"]["groups"]
    assert (group["rules"][0]["health"], recorder.states("Million")) == ("err", [])
    await until_told(recorder, "Few", "firing")


@pytest.mark.timeout(300)
async def test_what_was_missed_during_a_restart_is_made_up_for(
    stack: Stack, client: Client, recorder: Recorder
) -> None:
    await create(
        client,
        {
            "name": "live-restart",
            "rules": [
                {"alert": "LiveSteady", "expr": "live_steady > 0"},
                {"alert": "LiveMissed", "expr": "live_missed > 5", "for": "2s"},
                {"alert": "LiveTimed", "expr": "live_timed > 0", "for": "10s"},
            ],
        },
        {"name": "live_brief", "condition": "live_missed > 6", "severity": "info", "message": "brief"},
    )
    for name, value in (("live_steady", 1), ("live_missed", 1), ("live_timed", 1)):
        await client.sample(name, value)
    await until_told(recorder, "LiveSteady", "firing")
    await asyncio.to_thread(stack.stop, "alerting")
    try:
        await client.sample("live_missed", 9)
        await asyncio.sleep(7)  # what the grid is to have missed has to last
        await client.sample("live_missed", 1)
    finally:
        await asyncio.to_thread(stack.start, "alerting")

    missed = await until_over(recorder, "LiveMissed")
    assert missed[0]["times"]["late_ms"] > 0 or missed[0]["status"] == "passed"
    times = missed[-1]["times"]
    assert at(times["fired_at"]) - at(times["episode"]) == 2_000
    assert 4_000 <= at(times["resolved_at"]) - at(times["episode"]) <= 10_000
    await until_over(recorder, "live_brief")
    (timed,) = await until_told(recorder, "LiveTimed", "firing")
    assert at(timed["times"]["fired_at"]) - at(timed["times"]["episode"]) == 10_000, "its timer went on"
    assert recorder.states("LiveSteady") == ["firing"], "it is not announced again"
