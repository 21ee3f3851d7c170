"""Pages of the running product in the machine's own Chromium: the fixtures, and the way in."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Browser, Page, StorageState, async_playwright, expect

if TYPE_CHECKING:
    from tests.e2e.conftest import Stack

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
PATIENCE_MS = 60_000


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
async def signed_in(browser: Browser, stack: "Stack") -> StorageState:
    """The cookie of one login for the tests that are not about logging in: attempts per minute are limited."""
    async with page_of(browser) as one:
        await open_page(one, stack)
        return await one.context.storage_state()


@pytest.fixture
async def user_page(browser: Browser, signed_in: StorageState) -> AsyncIterator[Page]:
    """The page of somebody who is signed in."""
    async with page_of(browser, signed_in) as one:
        yield one


@contextlib.asynccontextmanager
async def page_of(
    browser: Browser, state: StorageState | None = None, locale: str = "en-GB", width: int = 1440
) -> AsyncIterator[Page]:
    """A page with the cookies in `state`."""
    context = await browser.new_context(locale=locale, viewport={"width": width, "height": 900}, storage_state=state)
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


async def sign_in(page: Page, stack: "Stack", password: str | None = None) -> None:
    """Fill in the login form and send it."""
    await page.get_by_test_id("login-username").fill("admin")
    await page.get_by_test_id("login-password").fill(password or stack.password)
    await page.get_by_test_id("login-submit").click()


async def open_page(page: Page, stack: "Stack", address: str = "/") -> None:
    """Open the page, signing in where it asks for it, and wait until it is live."""
    await page.goto(stack.url + address)
    login, live = page.get_by_test_id("login-username"), page.get_by_test_id("connection-state")
    await expect(login.or_(live)).to_be_visible()
    if await login.is_visible():
        await sign_in(page, stack)
    await expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "live")
