"""What keeps an alert from people for a while, and what leads it to others: from the bus to telephones, mailboxes and
webhooks, all cases at once."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.notifier_ways import ANI, BUDI, COOLDOWN_MS, DOWN, DUTY, World, world
from tests.integration.programs import running


@pytest_asyncio.fixture(scope="module")
async def played(topics: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """With one restart of the notifier, from which on nobody rests."""
    log: Path = tmp_path_factory.mktemp("notifier") / "notifier.log"
    async with world(topics) as made:
        with running("services.notifier", log, **made.environment(rest=True)):
            await _play(made)
        assert (made.chatted("rests"), made.hooked("office", "off")) == ([BUDI], []), "told while at rest"
        with running("services.notifier", log, **made.environment(rest=False)):
            await made.until(lambda: len(made.chatted("rests")) > 1 and made.hooked("office", "off"))
        yield made


async def _play(made: World) -> None:
    """All that happens, and all that is told at once."""
    await made.say("ordinary", "firing")
    await made.until(lambda: made.chatted("ordinary"))  # a cooldown must not pass while the notifier starts
    cooled = ("again", "gone")
    for name in cooled:
        await made.say(name, "firing", cooldown_ms=COOLDOWN_MS)
    await made.until(lambda: all(made.hooked("again", name) for name in cooled))
    for name in cooled:
        await made.say(name, "resolved", cooldown_ms=COOLDOWN_MS)
        await made.say(name, "firing", cooldown_ms=COOLDOWN_MS)
    await made.say("gone", "resolved", cooldown_ms=COOLDOWN_MS)
    for name in ("rests", "off", DOWN, "helped", "acknowledged"):
        await made.say(name, "firing")
    for name in ("urgent", "whatsapp_session_lost"):
        await made.say(name, "firing", "critical")
    await made.until(lambda: made.hooked("first", "acknowledged"))
    await made.acknowledge("acknowledged")
    await made.until(lambda: made.hooked("boss", "helped") and len(made.hooked("again", "again")) >= 3)
    await made.until(lambda: made.mailed(DOWN) and made.mailed("whatsapp_session_lost"))
    await made.until(lambda: made.chatted("rests") and len(made.chatted("urgent")) >= 2)
    await made.until_held_back("rests", "off", "gone")


async def test_a_person_is_told_after_quiet_hours_and_of_what_is_critical_at_once(played: World) -> None:
    assert played.chatted("rests") == [BUDI, ANI]
    assert sorted(played.chatted("urgent")) == [ANI, BUDI]
    assert played.held_back("rests") == {"quiet-hours"}
    assert played.held_back("urgent") == set()


async def test_what_nobody_acknowledges_is_escalated(played: World) -> None:
    assert played.hooked("boss", "helped") == ["firing"]
    assert played.hooks["boss"].taken[0].body["occasion"] == "escalation"
    assert played.hooked("boss", "acknowledged") == []
    assert [played.hooked("first", name) for name in ("helped", "acknowledged")] == [["firing"], ["firing"]]


async def test_a_route_that_is_muted_by_time_tells_afterwards(played: World) -> None:
    assert played.held_back("off") == {"mute-time:always"}
    assert played.hooked("office", "off") == ["firing"]


async def test_where_whatsapp_is_down_a_mail_goes_out(played: World) -> None:
    assert set(played.chatted(DOWN)) == {DUTY}
    assert played.mailed(DOWN) == 1
    assert played.chatted("ordinary") == [DUTY]
    assert played.mailed("ordinary") == 0


async def test_what_is_about_whatsapp_never_goes_through_it(played: World) -> None:
    assert played.chatted("whatsapp_session_lost") == []
    assert played.mailed("whatsapp_session_lost") == 1


async def test_an_alert_that_comes_back_within_its_cooldown_waits_for_its_end(played: World) -> None:
    assert played.hooked("again", "again") == ["firing", "resolved", "firing"]
    first, _, second = (one for one in played.hooks["again"].taken if one.alert["rule"] == "again")
    fired = datetime.fromisoformat(first.alert["times"]["fired_at"])
    assert datetime.fromisoformat(second.body["planned_at"]) >= fired + timedelta(milliseconds=COOLDOWN_MS)
    assert played.held_back("again") == {"cooldown"}
    assert played.hooked("again", "gone") == ["firing", "resolved"], "it was over before its cooldown was"
    assert played.held_back("gone") == {"cooldown"}
