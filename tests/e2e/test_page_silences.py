"""Silences, an acknowledgement, receivers, and the page behind a link, in a real browser; without a database."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, StorageState, expect
from rich.console import Console

from infra.local import web
from infra.local.narration import Narrator
from shared import clock
from shared.bus import Outgoing
from shared.links import Link, sign
from shared.messages.alerts import episode_id
from shared.messages.notifications import Notification
from shared.messages.topics import NOTIFICATIONS
from tests.e2e.browsing import page_of
from tests.integration.muting_site import KEY, Site, muting_site, session_token

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("PANTAU_TEST_SCREENSHOTS")


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, topics: str) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("pages")
    await asyncio.to_thread(web.build, Narrator(Console(file=io.StringIO())), directory / "build.log", {})
    async with muting_site(directory, topics) as site:
        yield site


@pytest.fixture
async def operator(browser: Browser, site: Site) -> AsyncIterator[Page]:
    """The page of an operator who is signed in."""
    async with page_of(browser, await signed_in_at(site)) as one:
        yield one


async def signed_in_at(site: Site) -> StorageState:
    value = await session_token(site.producer, "operator")
    cookie = {"name": "pantau_session", "value": value, "domain": "127.0.0.1", "path": "/", "expires": -1.0}
    return {"cookies": [{**cookie, "httpOnly": True, "secure": False, "sameSite": "Strict"}]}  # type: ignore[typeddict-item]


async def shot(page: Page, name: str) -> None:
    """For people who want to look."""
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def test_a_silence_is_made_with_a_look_at_what_it_matches_and_ended(operator: Page, site: Site) -> None:
    await site.fires("Backhaul down", "critical", site="jkt-1")
    await operator.goto(f"{site.api.url}/silences")
    await operator.get_by_test_id("silence-new").click()
    await operator.get_by_test_id("matcher-value").fill("Backhaul down")
    await expect(operator.get_by_test_id("silence-preview")).to_contain_text("Matches 1 active alert (Backhaul down)")
    await operator.get_by_test_id("silence-create").click()
    await expect(operator.get_by_test_id("silence-dialog")).to_contain_text("Say why")
    await operator.get_by_test_id("silence-reason").fill("the mast is being painted")
    await shot(operator, "silence-form")
    await operator.get_by_test_id("silence-create").click()
    item = operator.locator('[data-testid^="silence-"][data-state]').filter(has_text="the mast is being painted")
    await expect(item).to_have_attribute("data-state", "active")
    await shot(operator, "silences")
    await item.get_by_test_id("silence-expire").click()
    await expect(item).to_have_attribute("data-state", "expired")


async def test_a_silence_that_somebody_else_changed_meanwhile_is_shown_as_it_is_now(operator: Page, site: Site) -> None:
    wanted: dict[str, Any] = {"matchers": [{"name": "alertname", "value": "Two of us"}], "reason": "mine"}
    made = await site.post("/api/monitoring/silences", **wanted, duration_seconds=3600)
    await operator.goto(f"{site.api.url}/silences")
    await operator.get_by_test_id(f"silence-{made['id']}").get_by_test_id("silence-change").click()
    path = f"/api/monitoring/silences/{made['id']}"
    theirs = wanted | {"reason": "theirs", "version": 1, "duration_seconds": 7200}
    assert (await site.api.ask("PUT", path, "operator", json=theirs)).status == 200
    dialog = operator.get_by_test_id("silence-dialog")
    await dialog.get_by_test_id("silence-create").click()
    await expect(dialog.get_by_test_id("silence-refused")).to_contain_text("Somebody has changed it meanwhile")
    await shot(operator, "silence-conflict")
    await dialog.get_by_test_id("silence-reload").click()
    await expect(dialog.get_by_test_id("silence-reason")).to_have_value("theirs")
    await dialog.get_by_test_id("silence-reason").fill("ours")
    await dialog.get_by_test_id("silence-create").click()
    await expect(operator.get_by_test_id(f"silence-{made['id']}")).to_contain_text("ours")
    now = (await site.api.get(path)).body
    assert (now["reason"], now["version"], now["matchers"]) == ("ours", 3, made["matchers"])


async def test_an_alert_is_acknowledged_and_silenced_where_it_is_shown(operator: Page, site: Site) -> None:
    alert = await site.fires("Router unreachable", "critical", router="core-1")
    await operator.goto(f"{site.api.url}/alerts/{episode_id(alert.alert_id, alert.episode)}")
    panel = operator.get_by_test_id("alert-muting")
    await panel.get_by_test_id("alert-acknowledge").click()
    await expect(panel).to_contain_text("Acknowledged")
    await panel.get_by_test_id("alert-silence").click()
    dialog = operator.get_by_test_id("silence-dialog")
    await dialog.get_by_test_id("silence-reason").fill("known")
    await shot(operator, "silence-dialog")
    await dialog.get_by_test_id("silence-create").click()
    await expect(panel).to_contain_text("known")
    summary = operator.get_by_test_id("alert-summary").get_by_test_id("alert-muted-by")
    await expect(summary).to_contain_text("Silenced by test-operator, until")
    await shot(operator, "alert-muting")
    await operator.goto(f"{site.api.url}/alerts?status=active")
    row = operator.get_by_test_id(f"alert-{alert.alert_id}").get_by_test_id("alert-muted-by")
    await expect(row).to_contain_text("Acknowledged by test-operator, until")
    await shot(operator, "alerts-muted")
    await operator.get_by_test_id(f"alert-{alert.alert_id}").get_by_test_id("alert-link").click()
    await panel.get_by_test_id("alert-acknowledge").click()
    await expect(panel).not_to_contain_text("Acknowledged")


async def test_that_somebody_else_muted_an_alert_is_seen_without_a_reload(operator: Page, site: Site) -> None:
    alert = await site.fires("Seen live", site="jkt-9")
    await operator.goto(f"{site.api.url}/alerts?status=active")
    row = operator.get_by_test_id(f"alert-{alert.alert_id}")
    await expect(row).to_be_visible()
    await expect(operator.get_by_test_id("connection-state")).to_have_attribute("data-state", "live")
    # Lists are not answered any more: the stream alone can bring it.
    await operator.route("**/api/monitoring/alerts?**", lambda route: route.abort())
    by_site: dict[str, Any] = {"matchers": [{"name": "site", "value": "jkt-9"}], "reason": "known"}
    made = await site.post("/api/monitoring/silences", **by_site, duration_seconds=3600)
    await expect(row.get_by_test_id("alert-muted-by")).to_contain_text("Silenced by test-operator, until")
    assert (await site.api.ask("DELETE", f"/api/monitoring/silences/{made['id']}", "operator")).status == 200
    await expect(row.get_by_test_id("alert-muted-by")).to_have_count(0)


CUT_LABELS = """() => [...document.querySelectorAll('nav a')].filter((link) => {
    const words = document.createRange();
    words.selectNodeContents(link);
    const [inner, outer] = [words.getBoundingClientRect(), link.getBoundingClientRect()];
    return inner.left < outer.left || inner.right > outer.right || outer.right > window.innerWidth;
}).map((link) => link.textContent)"""
CUT_FIELDS = """() => [...document.querySelectorAll('[data-testid^="matcher-"]')]
    .filter((field) => field.scrollWidth > field.clientWidth).map((field) => field.value)"""


@pytest.mark.parametrize("locale", ["en-GB", "id-ID"])
async def test_on_a_phone_nothing_is_cut(browser: Browser, site: Site, locale: str) -> None:
    async with page_of(browser, await signed_in_at(site), locale, width=390) as page:
        await page.goto(f"{site.api.url}/silences")
        await page.get_by_test_id("silence-new").click()
        await page.get_by_test_id("matcher-name").fill("router_interface_name")
        await page.get_by_test_id("matcher-value").fill("sfp-sfpplus1-uplink-jakarta")
        assert await page.evaluate(CUT_FIELDS) == []
        await shot(page, f"phone-{locale}")
        for width in (390, 360, 320, 481, 700):
            await page.set_viewport_size({"width": width, "height": 900})
            assert await page.evaluate(CUT_LABELS) == [], width


async def test_how_receivers_do(operator: Page, site: Site) -> None:
    now_ms = clock.now_ms()
    fields = {"id": "page-1", "event_id": "e", "alert_id": "a", "receiver": "page", "channel": "whatsapp"}
    step = Notification.model_validate(
        fields | {"destination": "page/whatsapp/0/ani", "state": "failed", "at": now_ms, "reason": "number is banned"}
    )
    await site.producer.send(Outgoing(NOTIFICATIONS, step.id, step))
    await operator.goto(f"{site.api.url}/receivers")
    receiver = operator.get_by_test_id("receiver-page")
    await expect(receiver).to_contain_text("number is banned", timeout=60_000)
    await expect(receiver).to_contain_text("Failing")
    await shot(operator, "receivers")


async def test_a_link_is_used_on_a_phone_without_scripts(browser: Browser, site: Site) -> None:
    alert = await site.fires("Link pressed", "critical", site="mdn-1")
    link = Link("acknowledge", alert.alert_id, alert.episode, "ani", clock.now_ms() + 3_600_000, "n")
    context = await browser.new_context(
        java_script_enabled=False, locale="id-ID", viewport={"width": 390, "height": 844}
    )
    page = await context.new_page()
    try:
        await page.goto(f"{site.api.url}/a/{sign(link, KEY)}")
        await expect(page.get_by_role("heading", name="Link pressed")).to_be_visible()
        await shot(page, "link")
        await page.get_by_role("button", name="Saya tangani").click()
        await expect(page.get_by_role("heading", name="Berhasil")).to_be_visible()
        await shot(page, "link-done")
        assert await context.cookies() == []
    finally:
        await context.close()
    made = (await site.api.get(f"/api/monitoring/silences/{link.makes}")).body
    assert (made["kind"], made["created_by"]) == ("acknowledgement", "ani")
