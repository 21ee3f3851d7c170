"""The page of an alert that was held back, from when to when and behind what, in a real browser over a real history."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, StorageState, expect
from rich.console import Console

from infra.local import web
from infra.local.narration import Narrator
from shared import clock
from shared.bus import Producer
from shared.messages.alerts import AlertEvent, Evidence, State, alert_id, episode_id, event_id, fingerprint
from shared.messages.message import instant_to_text
from shared.messages.notifications import Notification, NotifiedAlert
from shared.messages.topics import ALERT_EVENTS, NOTIFICATIONS
from tests.e2e.browsing import page_of
from tests.integration.api_process import make_tokens, new_database, running_api
from tests.integration.history_rig import Rig, batch_of, received
from tests.integration.muting_site import session_token

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("PANTAU_TEST_SCREENSHOTS")
MINUTE = 60_000
AT = clock.now_ms() // MINUTE * MINUTE - 60 * MINUTE
PARENT = "mikrotik:edge-1"


@dataclass
class Site:
    """Where its pages are, how they are signed in to, and the writer of the history that they show."""

    url: str
    state: StorageState
    rig: Rig


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, topics: str, postgres_dsn: str) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("held")
    await asyncio.to_thread(web.build, Narrator(Console(file=io.StringIO())), directory / "build.log", {})
    dsn = new_database(postgres_dsn)
    rig, producer = Rig(dsn), Producer(topics, "test")
    await rig.located((ALERT_EVENTS.name, 0), (NOTIFICATIONS.name, 0))
    await producer.start()
    try:
        async with running_api(directory, topics, dsn, make_tokens(dsn)) as api:
            await api.known()
            cookie = {"name": "pantau_session", "value": await session_token(producer, "operator")}
            cookie |= {"domain": "127.0.0.1", "path": "/", "sameSite": "Strict"}
            cookies = [{**cookie, "expires": -1.0, "httpOnly": True, "secure": False}]
            yield Site(api.url, {"cookies": cookies}, rig)  # type: ignore[typeddict-item]
    finally:
        await producer.stop()
        await rig.database.close()


def events() -> tuple[AlertEvent, AlertEvent]:
    """An alert that fired an hour ago, and its end after 20 minutes."""
    labels = {"alertname": "Gateway down", "router": "edge-1"}
    alert = alert_id("g", "Gateway down", labels)
    steps: list[tuple[State, State, int]] = [("firing", "inactive", 0), ("resolved", "firing", 20 * MINUTE)]
    first, second = (
        AlertEvent(
            id=event_id(alert, AT, number),
            alert_id=alert,
            fingerprint=fingerprint(labels),
            group="g",
            rule="Gateway down",
            rule_version="v",
            group_version=1,
            episode=AT,
            transition=number,
            state=state,
            previous_state=previous,
            instant=AT + after,
            decided_at=AT + after,
            labels=labels,
            severity="critical",
            message="The gateway does not answer",
            value=0.0,
            threshold=None,
            expr="gateway_up == 0",
            for_ms=0,
            fired_at=AT,
            evidence=Evidence(),
        )
        for number, (state, previous, after) in enumerate(steps, 1)
    )
    return first, second


def held(event: AlertEvent, by: str, since_ms: int, until_ms: int | None, *untold: str) -> Notification:
    alert = NotifiedAlert(
        alert_id=event.alert_id,
        event_id=event.id,
        episode=AT,
        transition=event.transition,
        status="firing" if event.state == "firing" else "passed",
        muted_by=[by],
        muted_since=since_ms,
        muted_until=until_ms,
    )
    return Notification(
        id=f"held/{by}/{event.alert_id}",
        event_id=event_id(event.alert_id, AT, 1),
        alert_id=event.alert_id,
        receiver="",
        channel="",
        alerts=[alert],
        state="planned",
        at=until_ms or since_ms,
        muted_by=[by],
        untold=list(untold),
    )


async def test_an_alert_says_from_when_to_when_it_was_held_back_and_behind_what(browser: Browser, site: Site) -> None:
    fired, over = events()
    suspected, parent = f"suspected:{PARENT}", f"dependency:{PARENT}"
    confirmed = AT + 2 * MINUTE
    entries = [
        held(fired, suspected, AT, None),
        held(fired, suspected, AT, confirmed),
        held(fired, parent, confirmed, None),
        held(over, parent, confirmed, AT + 20 * MINUTE, "ops/whatsapp/0/ani", "ops/email/0/ani"),
        held(fired, parent, confirmed, None),  # told again, after its end
    ]
    told = [(ALERT_EVENTS, one, one.alert_id) for one in (fired, over)]
    told += [(NOTIFICATIONS, one, one.id) for one in entries]  # type: ignore[misc]
    for offset, (topic, message, key) in enumerate(told):
        await site.rig.store(batch_of([received(topic, offset, message, key, accepted_ms=message_ms(message))]))
    assert site.rig.put_aside == []
    path = f"{site.url}/alerts/{episode_id(fired.alert_id, AT)}"
    for language, whom, waited, behind, digest in (
        ("en-GB", "everybody", "it was not known how", "it lies behind", "in a digest for 2 destinations"),
        ("id-ID", "semua penerima", "belum diketahui", "berada di belakang", "dalam ringkasan untuk 2 tujuan"),
    ):
        async with page_of(browser, site.state, language) as page:
            await page.goto(path)
            rows = page.get_by_test_id("alert-deliveries").locator('li[data-state="held"]')
            await expect(rows).to_have_count(2)  # each was held back once, however often the ledger says so
            for row in (rows.nth(0), rows.nth(1)):
                await expect(row).to_contain_text(whom)
                await expect(row).to_contain_text(PARENT)
                await expect(row.locator("time")).to_have_count(2)
            await expect(rows.nth(0)).to_contain_text(waited)
            await expect(rows.nth(1)).to_contain_text(behind)
            await expect(rows.nth(1)).to_contain_text(digest)
            ends = [await rows.nth(row).locator("time").nth(1).get_attribute("datetime") for row in (0, 1)]
            assert ends == [instant_to_text(confirmed), instant_to_text(AT + 20 * MINUTE)]
            timeline = page.get_by_test_id("alert-timeline").locator('li[data-what="planned"]')
            await expect(timeline).to_have_count(2)
            await expect(timeline.nth(1)).to_contain_text(f"{behind} {PARENT}")
            if SHOTS:
                for scheme, width in (("light", 1440), ("dark", 390)):
                    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    await page.set_viewport_size({"width": width, "height": 900})
                    await page.screenshot(
                        path=Path(SHOTS) / f"held-{language[:2]}-{scheme}-{width}.png", full_page=True
                    )


def message_ms(message: AlertEvent | Notification) -> int:
    return message.instant if isinstance(message, AlertEvent) else message.at
