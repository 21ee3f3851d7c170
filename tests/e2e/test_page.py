"""The overview page in a real browser: login, live values, alerts that come and go without a reload, logout."""

import contextlib
import re
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, StorageState, async_playwright, expect

from tests.conftest import eventually
from tests.e2e.conftest import Client, Stack

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
PATIENCE_MS = 60_000
PERCENT = re.compile(r"\d+(\.\d)?%")
"""A number with a unit: no dash, and no zero that stands for "not known"."""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The machine's Chromium, without a window."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A new visitor's page, in English. What the page throws, or its security policy refuses, fails the test."""
    async with page_of(browser) as one:
        yield one


@pytest.fixture(scope="module")
async def session(browser: Browser, stack: Stack) -> StorageState:
    """The cookie of one login for the tests that are not about logging in: attempts per minute are limited."""
    async with page_of(browser) as one:
        await open_overview(one, stack)
        return await one.context.storage_state()


@pytest.fixture
async def overview(browser: Browser, session: StorageState) -> AsyncIterator[Page]:
    """The page of somebody who is signed in."""
    async with page_of(browser, session) as one:
        yield one


@contextlib.asynccontextmanager
async def page_of(browser: Browser, state: StorageState | None = None) -> AsyncIterator[Page]:
    """A page with the cookies in `state`."""
    context = await browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900}, storage_state=state)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    one = await context.new_page()
    wrong: list[str] = []
    one.on("pageerror", lambda error: wrong.append(str(error)))
    one.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        yield one
    finally:
        await context.close()
    assert wrong == []


async def sign_in(page: Page, stack: Stack, password: str | None = None) -> None:
    """Fill in the login form and send it."""
    await page.get_by_test_id("login-username").fill("admin")
    await page.get_by_test_id("login-password").fill(password or stack.password)
    await page.get_by_test_id("login-submit").click()


async def open_overview(page: Page, stack: Stack, address: str = "/") -> None:
    """Open the page, signing in where it asks for it, and wait until it is live."""
    await page.goto(stack.url + address)
    login, live = page.get_by_test_id("login-username"), page.get_by_test_id("connection-state")
    await expect(login.or_(live)).to_be_visible()
    if await login.is_visible():
        await sign_in(page, stack)
    await expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "live")


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


async def test_the_request_rate_is_that_of_real_requests(overview: Page, stack: Stack) -> None:
    await open_overview(overview, stack, "/?period=15m")

    async def figures() -> list[str]:
        await overview.reload()
        await expect(overview.get_by_test_id("chart-request-rate")).to_have_attribute("data-state", "ready")
        facts = overview.get_by_test_id("chart-request-rate").locator("dd")
        return [text for text in await facts.all_inner_texts() if re.match(r"[\d.,]+/min", text)]

    await eventually(figures)


async def test_an_alert_appears_and_resolves_without_a_reload(overview: Page, stack: Stack, client: Client) -> None:
    await open_overview(overview, stack)
    await expect(overview.get_by_test_id("alert-filter")).to_contain_text("Active (")
    await overview.evaluate("window.loadedOnce = true")
    # Asking again every 30 s is the net under the stream; without it, what comes comes through the stream.
    await overview.route("**/api/monitoring/alerts?**", lambda route: route.abort())
    await client.rule("page_alert", "page_metric > 100")
    await client.sample("page_metric", 123, type="business")

    async def found() -> str | None:
        active = await client.active("page_alert")
        return str(active[0]["alert_id"]) if active else None

    row = alert_row(overview, await eventually(found))
    await expect(row).to_have_attribute("data-status", "firing")
    await expect(row).to_contain_text("page_alert threshold exceeded")
    await expect(row).to_contain_text("Value 123")
    await expect(row).to_contain_text("type=business")
    await expect(overview).to_have_title(re.compile(r"^\(\d+\) "))

    await client.sample("page_metric", 50, type="business")
    await expect(row).to_have_attribute("data-status", "resolved")
    assert await overview.evaluate("window.loadedOnce") is True


async def test_the_language_is_remembered(overview: Page, stack: Stack) -> None:
    await open_overview(overview, stack)
    await overview.get_by_test_id("language-switch").get_by_text("ID", exact=True).click()
    await expect(overview.get_by_test_id("system-status")).to_contain_text("Status sistem")
    await overview.reload()
    await expect(overview.get_by_test_id("system-status")).to_contain_text("Status sistem")
    await expect(overview.locator("html")).to_have_attribute("lang", "id")


async def test_a_session_that_ends_leads_to_the_login_and_back(page: Page, stack: Stack) -> None:
    await open_overview(page, stack, "/?period=6h")
    ended = await page.request.delete(f"{stack.url}/api/session")
    assert ended.status == 204
    await expect(page.get_by_test_id("login-expired")).to_be_visible()
    await sign_in(page, stack)
    await expect(page.get_by_test_id("ring-cpu")).to_contain_text(PERCENT)
    assert page.url == f"{stack.url}/?period=6h"


async def test_signing_out_closes_the_page_to_others(page: Page, stack: Stack) -> None:
    await open_overview(page, stack)
    await page.get_by_test_id("user-menu").click()
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("login-username")).to_be_visible()
    await page.goto(stack.url)
    await expect(page.get_by_test_id("login-username")).to_be_visible()
