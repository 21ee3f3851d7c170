"""The overview page in a real browser: login, live values, alerts that come and go without a reload, logout."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.conftest import eventually
from tests.e2e.browsing import open_page, sign_in
from tests.e2e.conftest import Client, Stack

pytestmark = pytest.mark.browser

PERCENT = re.compile(r"\d+(\.\d)?%")
"""A number with a unit: no dash, and no zero that stands for "not known"."""


def alert_row(page: Page, alert_id: str) -> Locator:
    """The newest episode of an alert in the list."""
    return page.get_by_test_id("recent-alerts").get_by_test_id(f"alert-{alert_id}").first


async def test_a_wrong_password_is_refused_and_the_right_one_shows_this_machine(page: Page, stack: Stack) -> None:
    await page.goto(stack.url)
    await sign_in(page, stack, "not the password")
    await expect(page.get_by_test_id("login-error")).to_have_text("User name or password is wrong.")

    await sign_in(page, stack)
    for ring in ("cpu", "memory", "disk"):
        await expect(page.get_by_test_id(f"ring-{ring}")).to_contain_text(PERCENT)
        await expect(page.get_by_test_id(f"ring-{ring}")).to_have_attribute(
            "data-level", re.compile("ok|elevated|high")
        )
    for check in ("database", "disk_space", "kafka", "memory"):
        card = page.get_by_test_id(f"health-card-{check}")
        await expect(card).to_have_attribute("data-status", re.compile("healthy|degraded|unhealthy"))
        await expect(card).to_contain_text(re.compile(r"\d+ (µs|ms|s)"))
    await expect(page.get_by_test_id("health-card-database")).to_have_attribute("data-status", "healthy")
    await expect(page.get_by_test_id("system-status")).to_have_attribute(
        "data-status", re.compile("^(healthy|degraded|unhealthy)$")
    )
    for chart in ("chart-response-time", "chart-request-rate"):
        await expect(page.get_by_test_id(chart)).to_have_attribute("data-state", "ready")
        await expect(page.get_by_test_id(chart).locator("canvas")).to_be_visible()
    for missing in ("active-hotspot", "active-pppoe", "revenue-today"):
        await expect(page.get_by_test_id(missing)).to_have_text(re.compile(r"^–.+"))


async def test_the_request_rate_is_that_of_real_requests(user_page: Page, stack: Stack) -> None:
    await open_page(user_page, stack, "/?period=15m")

    async def figures() -> list[str]:
        await user_page.reload()
        await expect(user_page.get_by_test_id("chart-request-rate")).to_have_attribute("data-state", "ready")
        facts = user_page.get_by_test_id("chart-request-rate").locator("dd")
        return [text for text in await facts.all_inner_texts() if re.match(r"[\d.,]+/min", text)]

    await eventually(figures)


async def test_an_alert_appears_and_resolves_without_a_reload(user_page: Page, stack: Stack, client: Client) -> None:
    await open_page(user_page, stack)
    await expect(user_page.get_by_test_id("alert-filter")).to_contain_text("Active (")
    await user_page.evaluate("window.loadedOnce = true")
    # Asking again every 30 s is the net under the stream; without it, what comes comes through the stream.
    await user_page.route("**/api/monitoring/alerts?**", lambda route: route.abort())
    await client.rule("page_alert", "page_metric > 100")
    await client.sample("page_metric", 123, type="business")

    async def found() -> str | None:
        active = await client.active("page_alert")
        return str(active[0]["alert_id"]) if active else None

    row = alert_row(user_page, await eventually(found))
    await expect(row).to_have_attribute("data-status", "firing")
    await expect(row).to_contain_text("page_alert threshold exceeded")
    await expect(row).to_contain_text("Value 123")
    await expect(row).to_contain_text("type=business")
    await expect(user_page).to_have_title(re.compile(r"^\(\d+\) "))

    await client.sample("page_metric", 50, type="business")
    await expect(row).to_have_attribute("data-status", "resolved")
    assert await user_page.evaluate("window.loadedOnce") is True


async def test_a_check_is_run_when_somebody_asks_for_it(user_page: Page, stack: Stack) -> None:
    await open_page(user_page, stack)
    card = user_page.get_by_test_id("health-card-memory")
    await expect(card).to_have_attribute("data-status", re.compile("healthy|degraded|unhealthy"))
    async with user_page.expect_response("**/api/monitoring/health/memory/run") as answered:
        await user_page.get_by_test_id("check-now-memory").click()
    answer = await answered.value
    assert answer.status == 200, await answer.text()
    await expect(card.get_by_test_id("check-failed")).to_have_count(0)

    # Without the health service, people are told so, and can try again.
    await user_page.route("**/memory/run", lambda route: route.fulfill(status=503, json={"detail": "It is away."}))
    await user_page.get_by_role("button", name="Check now: Memory").click()
    await expect(card.get_by_test_id("check-failed")).to_contain_text("Memory could not be checked")
    await expect(user_page.get_by_test_id("check-now-memory")).to_be_enabled()


async def test_the_language_is_remembered(user_page: Page, stack: Stack) -> None:
    await open_page(user_page, stack)
    await user_page.get_by_test_id("language-switch").get_by_text("ID", exact=True).click()
    await expect(user_page.get_by_test_id("system-status")).to_contain_text("Status sistem")
    await user_page.reload()
    await expect(user_page.get_by_test_id("system-status")).to_contain_text("Status sistem")
    await expect(user_page.locator("html")).to_have_attribute("lang", "id")


async def test_a_session_that_ends_leads_to_the_login_and_back(page: Page, stack: Stack) -> None:
    await open_page(page, stack, "/?period=6h")
    ended = await page.request.delete(f"{stack.url}/api/session")
    assert ended.status == 204
    await expect(page.get_by_test_id("login-expired")).to_be_visible()
    await sign_in(page, stack)
    await expect(page.get_by_test_id("ring-cpu")).to_contain_text(PERCENT)
    assert page.url == f"{stack.url}/?period=6h"


async def test_signing_out_closes_the_page_to_others(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    await page.get_by_test_id("user-menu").click()
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("login-username")).to_be_visible()
    await page.goto(stack.url)
    await expect(page.get_by_test_id("login-username")).to_be_visible()
