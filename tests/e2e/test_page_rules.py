"""The pages of rules and alerts in a real browser: what isn't evaluated says why, operators change rules, an alert
shows its evidence, a rule explains itself and is tried on history."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.conftest import eventually
from tests.e2e.browsing import open_page, page_of
from tests.e2e.conftest import Client, Stack

pytestmark = pytest.mark.browser

RULES = "/api/monitoring/alerts/rules"


async def create(client: Client, name: str, *rules: dict[str, Any]) -> None:
    status, body = await client.post(RULES, {"name": name, "rules": list(rules)})
    assert status in (200, 201), body


def group(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"group-{name}")


async def choose(page: Page, name: str, action: str) -> None:
    """Open a group's menu and choose; the dialog that asks back is open then."""
    await group(page, name).get_by_test_id("group-actions").click()
    await page.get_by_test_id(f"group-{action}").click()
    await expect(page.get_by_test_id("change-confirm")).to_be_visible()


async def fired(client: Client, rule: str, **query: str) -> dict[str, Any]:
    """The alert of a rule, once it fires."""

    async def found() -> dict[str, Any] | None:
        alerts = await client.get("/api/monitoring/alerts", status="active", **query)
        return next((one for one in alerts if one["name"] == rule and one["status"] == "firing"), None)

    return await eventually(found)


@pytest.fixture
async def viewer_page(browser: Browser, stack: Stack) -> AsyncIterator[Page]:
    """The page of somebody who may look and change nothing."""
    token = await asyncio.to_thread(stack.token, "viewer")
    async with page_of(browser) as one:
        await one.context.set_extra_http_headers({"Authorization": f"Bearer {token}"})
        yield one


async def test_a_rule_that_cannot_be_evaluated_says_why_and_the_others_go_on(
    user_page: Page, stack: Stack, client: Client
) -> None:
    for side in ("a", "b"):
        await client.sample("page_sides", 5, side=side)
    await create(
        client,
        "page-broken",
        {"alert": "PageManyToMany", "expr": "page_sides * on() page_sides > 0"},
        {"alert": "PageBeside", "expr": "page_sides > 100"},
    )
    await open_page(user_page, stack, "/rules")
    broken = group(user_page, "page-broken")
    await expect(broken).to_have_attribute("data-condition", "problems")
    problem = broken.get_by_test_id("rule-PageManyToMany").get_by_test_id("rule-problem")
    await expect(problem).to_contain_text("many-to-many matching not allowed")
    beside = broken.get_by_test_id("rule-PageBeside")
    await expect(beside).to_contain_text("page_sides > 100")
    await expect(beside.get_by_test_id("rule-problem")).to_have_count(0)

    await user_page.get_by_test_id("rules-state-attention").click()
    await expect(broken).to_be_visible()
    await expect(group(user_page, "machine")).to_have_count(0)
    await user_page.get_by_test_id("rules-search").fill("no such rule anywhere")
    await expect(user_page.get_by_test_id("empty")).to_contain_text("No group matches")


async def test_a_group_is_switched_off_and_on_and_deleted(user_page: Page, stack: Stack, client: Client) -> None:
    await create(client, "page-switch", {"alert": "PageSwitch", "expr": "page_switch > 1"})
    await open_page(user_page, stack, "/rules?q=page-switch")
    await expect(group(user_page, "page-switch")).to_have_attribute("data-condition", "active")
    await choose(user_page, "page-switch", "disable")
    await user_page.get_by_test_id("change-confirm").click()
    await expect(group(user_page, "page-switch")).to_have_attribute("data-condition", "disabled")
    await expect(user_page.get_by_test_id("rule-change-done")).to_have_text("page-switch is disabled.")
    assert (await client.get(f"{RULES}/page-switch"))["enabled"] is False

    await choose(user_page, "page-switch", "enable")
    await user_page.get_by_test_id("change-confirm").click()
    await expect(group(user_page, "page-switch")).to_have_attribute("data-condition", "active")

    await choose(user_page, "page-switch", "delete")
    await user_page.get_by_test_id("change-confirm").click()
    await expect(group(user_page, "page-switch")).to_have_count(0)
    assert "page-switch" not in {one["name"] for one in await client.get(RULES)}


async def test_whoever_decided_about_an_old_version_is_told_and_changes_nothing(
    user_page: Page, stack: Stack, client: Client
) -> None:
    await create(client, "page-race", {"alert": "PageRace", "expr": "page_race > 1"})
    await open_page(user_page, stack, "/rules?q=page-race")
    await choose(user_page, "page-race", "disable")
    changed = {"version": 1, "rules": [{"alert": "PageRace", "expr": "page_race > 2"}]}
    answer = await user_page.request.put(f"{stack.url}{RULES}/page-race", data=changed)
    assert answer.status == 200, await answer.text()

    await user_page.get_by_test_id("change-confirm").click()
    await expect(user_page.get_by_test_id("change-refused")).to_contain_text("Somebody was quicker")
    await expect(user_page.get_by_test_id("change-confirm")).to_have_count(0)
    await user_page.get_by_test_id("change-look").click()
    await expect(group(user_page, "page-race").get_by_test_id("group-version")).to_have_text("v2")
    assert (await client.get(f"{RULES}/page-race"))["enabled"] is True


async def test_a_shadow_rule_is_seen_and_promoted(user_page: Page, stack: Stack, client: Client) -> None:
    await create(client, "page-trial", {"alert": "PageTrial", "expr": "page_trial > 1", "shadow": True})
    await client.sample("page_trial", 2)
    alert = await fired(client, "PageTrial", shadow="true")
    await open_page(user_page, stack, "/alerts?q=PageTrial")
    await expect(user_page.get_by_test_id("empty")).to_be_visible()
    await user_page.get_by_test_id("alerts-shadow").select_option("true")
    row = user_page.get_by_test_id(f"alert-{alert['alert_id']}").first
    await expect(row.get_by_test_id("shadow")).to_be_visible()

    await open_page(user_page, stack, "/rules?q=page-trial")
    await expect(group(user_page, "page-trial").get_by_test_id("shadow").first).to_be_visible()
    await group(user_page, "page-trial").get_by_test_id("rule-promote").click()
    await user_page.get_by_test_id("change-confirm").click()
    await expect(group(user_page, "page-trial").get_by_test_id("shadow")).to_have_count(0)
    assert [one["shadow"] for one in (await client.get(f"{RULES}/page-trial"))["rules"]] == [False]


async def test_an_alert_shows_the_samples_that_decided_and_who_was_told(
    user_page: Page, stack: Stack, client: Client
) -> None:
    await client.rule("page_evidence", "page_depth > 100")
    await client.sample("page_depth", 142, queue="invoices")
    alert = await fired(client, "page_evidence")
    await open_page(user_page, stack)
    await user_page.get_by_test_id(f"alert-{alert['alert_id']}").first.get_by_test_id("alert-link").click()

    await expect(user_page).to_have_url(f"{stack.url}/alerts/{alert['id']}")
    await expect(user_page.get_by_test_id("alert-status")).to_have_text("Firing")
    await expect(user_page.get_by_test_id("alert-value")).to_have_text("142")
    await expect(user_page.get_by_test_id("alert-expr")).to_have_text("page_depth > 100")
    series = user_page.get_by_test_id("evidence-series")
    await expect(series).to_contain_text('page_depth{queue="invoices"}')
    await expect(series.locator("canvas")).to_be_visible()
    await expect(series.get_by_test_id("evidence-origin")).to_have_text(
        re.compile(r"pantau\.samples, partition \d+, offset \d+")
    )
    await series.get_by_text("All samples as a table").click()
    await expect(series.get_by_test_id("evidence-table").locator("tbody tr")).to_contain_text("142")
    steps = user_page.get_by_test_id("transition-firing")
    for step in ("Sample taken", "Accepted by the bus", "Decided", "Told on the bus", "Sent to recorder"):
        await expect(steps).to_contain_text(step)
    await expect(user_page.get_by_test_id("alert-deliveries")).to_contain_text("recorder")

    await client.sample("page_depth", 7, queue="invoices")
    await expect(user_page.get_by_test_id("alert-status")).to_have_text("Resolved")
    await expect(user_page.get_by_test_id("transition-resolved")).to_contain_text("Decided")


async def test_an_alert_that_is_none_is_said_not_to_be_there(user_page: Page, stack: Stack) -> None:
    await open_page(user_page, stack, f"/alerts/{'0' * 32}-1")
    await expect(user_page.get_by_test_id("empty")).to_contain_text("There is no such alert")


async def test_a_rule_that_does_not_fire_says_why_not(user_page: Page, stack: Stack, client: Client) -> None:
    await create(client, "page-why", {"alert": "PageWhyNot", "expr": "page_low > 100 and page_nowhere > 1"})
    await client.sample("page_low", 42, box="1")
    await open_page(user_page, stack, "/rules?q=PageWhyNot")
    await user_page.get_by_test_id("rule-why").click()
    await expect(user_page.get_by_test_id("explain-rule")).to_have_value("PageWhyNot")
    verdict = user_page.get_by_test_id("verdict")
    await expect(verdict).to_have_attribute("data-key", "does_not_fire")

    # History is written a moment later than the bus: ask until it has the sample.
    async def compared() -> bool:
        await user_page.get_by_test_id("explain-submit").click()
        await expect(user_page.get_by_test_id("explain-submit")).to_be_enabled()
        reasons = await user_page.get_by_test_id("reason").all_inner_texts()
        return any("42 > 100 does not hold; 58 apart" in reason for reason in reasons)

    await eventually(compared)
    await expect(user_page.locator('[data-testid="reason"][data-key="no_series"]')).to_contain_text("page_nowhere")
    await expect(user_page.get_by_test_id("explain-tree")).to_contain_text("did not pass")
    await user_page.get_by_test_id("language-switch").get_by_text("ID", exact=True).click()
    await expect(user_page.get_by_test_id("verdict-text")).to_have_text("Tidak terpicu.")


async def test_a_rule_is_tried_on_history_and_told_where_it_is_wrong(
    user_page: Page, stack: Stack, client: Client
) -> None:
    await client.rule("page_tried", "page_try_depth > 100")
    await client.sample("page_try_depth", 150)
    await fired(client, "page_tried")
    await open_page(user_page, stack, f"/rules/try?name={quote('page_tried')}")
    text = user_page.get_by_test_id("trial-text")
    await expect(text).to_have_value(re.compile("page_try_depth > 100"))
    wrong = "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: page_try_depth >\n"
    await text.fill(wrong)
    await user_page.get_by_test_id("trial-run").click()
    fault = user_page.get_by_test_id("trial-fault")
    await expect(fault).to_contain_text("is not PromQL")
    await fault.get_by_role("button").click()
    place = await text.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert place.strip() in wrong, "the line that is wrong is marked"
    assert place.strip()

    stricter = (
        "groups:\n  - name: page_tried\n    interval: 1s\n    rules:\n"
        "      - alert: page_tried\n        expr: page_try_depth > 1000\n"
    )
    await text.fill(stricter)
    await user_page.get_by_test_id("trial-range").select_option("1h")

    async def gone() -> bool:
        await user_page.get_by_test_id("trial-run").click()
        await expect(user_page.get_by_test_id("trial-run")).to_be_enabled()
        return await user_page.get_by_test_id("compared-gone").count() == 1

    await eventually(gone)
    await expect(user_page.get_by_test_id("trial-fired")).to_have_text("0")
    await expect(user_page.get_by_test_id("trial-comparison")).to_contain_text("1 Gone")


async def test_viewers_look_and_change_nothing(viewer_page: Page, stack: Stack) -> None:
    await open_page(viewer_page, stack, "/rules")
    await expect(group(viewer_page, "machine")).to_be_visible()
    await expect(viewer_page.get_by_test_id("group-actions")).to_have_count(0)
    await expect(viewer_page.get_by_test_id("to-try")).to_have_count(0)
    await open_page(viewer_page, stack, "/rules/try")
    await expect(viewer_page.get_by_test_id("empty")).to_contain_text("Only operators")


@pytest.mark.parametrize("width", [360, 768, 1440])
async def test_no_page_is_wider_than_the_screen(user_page: Page, stack: Stack, client: Client, width: int) -> None:
    alerts = await client.get("/api/monitoring/alerts", shadow="all")
    addresses = ["/alerts", "/rules", "/rules/try", "/explain?rule=high_cpu_usage"]
    await user_page.set_viewport_size({"width": width, "height": 800})
    for address in (*addresses, *(f"/alerts/{one['id']}" for one in alerts[:1])):
        await open_page(user_page, stack, address)
        await expect(user_page.locator("h1")).to_be_visible()
        wide = await user_page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, address
