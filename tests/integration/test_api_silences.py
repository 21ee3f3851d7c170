"""Silences, acknowledgements, links, receivers and who would be told: of a real api, while there is no database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import StreamReader

from infra.local import ports
from shared import clock
from shared.bus import Outgoing, Producer
from shared.links import Link, sign
from shared.messages.alerts import CurrentAlert, episode_id
from shared.messages.audit import AuditEntry
from shared.messages.message import instant_to_text
from shared.messages.notification_requests import NotificationRequest
from shared.messages.notifications import Notification
from shared.messages.silences import Silence
from shared.messages.topics import AUDIT, NOTIFICATION_REQUESTS, NOTIFICATIONS, SILENCES
from tests.conftest import eventually
from tests.integration.api_process import is_problem, next_event, running_api
from tests.integration.muting_site import KEY, NO_DATABASE, Site, bearer_token, muting_site
from tests.integration.programs import records, running

SILENCES_PATH = "/api/monitoring/silences"
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, topics: str) -> AsyncIterator[Site]:
    async with muting_site(tmp_path_factory.mktemp("api"), topics) as site:
        yield site


def matcher(name: str, value: str, operator: str = "=") -> dict[str, str]:
    return {"name": name, "operator": operator, "value": value}


async def silences_on(topics: str, id: str) -> list[Silence]:
    return [Silence.decode(one.value or b"") for one in await records(topics, SILENCES) if one.key == id.encode()]


async def audited(topics: str, subject: str) -> list[tuple[str, str]]:
    entries = [AuditEntry.decode(one.value or b"") for one in await records(topics, AUDIT)]
    return [(one.action, one.actor) for one in entries if one.subject == subject]


async def test_a_silence_from_its_making_to_its_end(site: Site, topics: str) -> None:
    alert = await site.fires("LifeOf", site="jkt-1")
    other = await site.fires("LifeOf", site="sby-1")
    matchers = [matcher("alertname", "LifeOf"), matcher("site", "jkt-.*", "=~")]
    wanted: dict[str, Any] = {"matchers": matchers, "reason": "new fibre"}
    preview = await site.post(f"{SILENCES_PATH}/preview", "viewer", matchers=matchers)
    assert [one["alert_id"] for one in preview["alerts"]] == [alert.alert_id]
    assert (preview["total"], preview["past_day"]) == (1, None), "the past is the database's"

    made = await site.post(SILENCES_PATH, **wanted, duration_seconds=3600)
    path = f"{SILENCES_PATH}/{made['id']}"
    assert (made["state"], made["mutes_now"], made["matches"], made["created_by"]) == (
        "active",
        True,
        1,
        "test-operator",
    )
    assert (await site.api.get(path, "viewer")).body == made, "whoever made it sees it"
    muting = (await site.api.get(f"/api/monitoring/alerts/{alert.alert_id}/muting", "viewer")).body
    assert [one["id"] for one in muting["silences"]] == [made["id"]]
    muting = (await site.api.get(f"/api/monitoring/alerts/{other.alert_id}/muting", "viewer")).body
    assert muting["silences"] == []

    assert made["version"] == 1
    later = wanted | {"duration_seconds": 7200, "reason": "late", "version": 1}
    changed = await site.api.ask("PUT", path, "operator", json=later)
    assert (changed.status, changed.body["reason"], changed.body["starts_at"]) == (200, "late", made["starts_at"])
    assert (changed.body["version"], changed.headers["etag"]) == (2, '"2"')
    ended = await site.api.ask("DELETE", path, "operator")
    assert (ended.status, ended.body["state"], ended.body["matches"]) == (200, "expired", 1)
    assert (await site.api.ask("DELETE", path, "operator")).body == ended.body, "again changes nothing"
    over = wanted | {"duration_seconds": 9, "version": 3}
    assert is_problem(await site.api.ask("PUT", path, "operator", json=over), 409)
    listed = (await site.api.get(f"{SILENCES_PATH}?state=expired", "viewer")).body
    assert made["id"] in [one["id"] for one in listed]
    assert made["id"] not in [one["id"] for one in (await site.api.get(f"{SILENCES_PATH}?state=active")).body]

    said = await silences_on(topics, made["id"])
    assert [one.comment for one in said] == ["new fibre", "late", "late"]
    assert said[-1].ends_at < said[0].ends_at
    assert await audited(topics, f"silence/{made['id']}") == [
        (f"silence.{action}", "test-operator") for action in ("create", "update", "expire")
    ]


async def test_of_two_who_change_one_silence_the_second_sees_what_the_first_did(site: Site) -> None:
    wanted: dict[str, Any] = {"matchers": [matcher("a", "b")], "reason": "first", "duration_seconds": 600}
    made = await site.post(SILENCES_PATH, **wanted)
    path = f"{SILENCES_PATH}/{made['id']}"
    assert is_problem(await site.api.ask("PUT", path, "operator", json=wanted), 428)
    changes = [wanted | {"reason": f"of {name}", "version": 1} for name in ("ani", "budi")]
    answers = await asyncio.gather(*(site.api.ask("PUT", path, "operator", json=one) for one in changes))
    changed, refused = sorted(answers, key=lambda one: one.status)
    assert (changed.status, changed.body["version"]) == (200, 2)
    assert is_problem(refused, 409)
    assert refused.body["current"] == changed.body == (await site.api.get(path)).body
    stale = {"If-Match": '"1"'}
    for method, body in (("PUT", wanted), ("DELETE", None)):
        refused = await site.api.ask(method, path, "operator", json=body, headers=stale)
        assert is_problem(refused, 412)
        assert (refused.body["current"]["reason"], refused.headers["etag"]) == (changed.body["reason"], '"2"')
    assert (await site.api.ask("DELETE", f"{path}?version=2", "operator")).body["version"] == 3
    assert (await site.api.ask("DELETE", path, "operator", headers=stale)).body["version"] == 3, "it is over already"


GOOD: dict[str, Any] = {"matchers": [matcher("a", "b")], "reason": "because", "duration_seconds": 60}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"reason": " "}, "body.reason"),
        ({"duration_seconds": None}, "body"),
        ({"ends_at": "2030-01-01T00:00:00Z"}, "body"),
        ({"duration_seconds": None, "ends_at": "2020-01-01T00:00:00Z"}, "body.ends_at"),
        ({"duration_seconds": 400 * 86_400}, "body.ends_at"),
        ({"matchers": []}, "body.matchers"),
        ({"matchers": [matcher("a", "", "=")]}, "body.matchers"),
        ({"matchers": [matcher("a", "(", "=~")]}, "body.matchers[0]"),
        ({"windows": [{"times": [{"start_time": "23:00", "end_time": "02:00"}]}]}, "body.windows[0]"),
        ({"windows": [{"weekdays": ["someday"]}]}, "body.windows[0]"),
        ({"windows": [{"location": "Asia/Atlantis"}]}, "body.windows[0]"),
        ({"colour": "red"}, "body.colour"),
    ],
)
async def test_what_is_no_silence(site: Site, change: dict[str, Any], place: str) -> None:
    answer = await site.api.ask("POST", SILENCES_PATH, "operator", json=GOOD | change)
    assert is_problem(answer, 422)
    assert answer.body["errors"][0]["where"].startswith(place), answer.text


async def test_a_viewer_may_look_but_not_mute(site: Site) -> None:
    assert (await site.api.get(SILENCES_PATH, "viewer")).status == 200
    assert is_problem(await site.api.ask("POST", SILENCES_PATH, "viewer", json=GOOD), 403)


async def test_a_silence_that_recurs_mutes_in_its_windows(site: Site) -> None:
    windows = [{"years": ["2001"], "location": "Asia/Jakarta"}]
    made = await site.post(SILENCES_PATH, **GOOD | {"windows": windows})
    assert (made["state"], made["mutes_now"]) == ("active", False)
    assert made["windows"][0]["years"] == ["2001"]


async def test_an_acknowledgement_ends_with_its_alert(site: Site, topics: str) -> None:
    alert = await site.fires("Acked", severity="critical")
    path = f"/api/monitoring/alerts/{episode_id(alert.alert_id, alert.episode)}"
    first = await site.post(f"{path}/acknowledge", reason="on it")
    again = await site.post(f"{path}/acknowledge", duration_seconds=600)
    assert (first["id"], first["kind"], first["alert"]) == (again["id"], "acknowledgement", path.rpartition("/")[2])
    assert again["ends_at"] < first["ends_at"]
    muting = (await site.api.get(f"{path}/muting")).body
    assert [one["id"] for one in muting["acknowledgements"]] == [first["id"]]

    (ended,) = (await site.api.ask("DELETE", f"{path}/acknowledge", "operator")).body
    assert ended["state"] == "expired"
    assert (await site.api.get(f"{path}/muting")).body["acknowledgements"] == []
    await site.post(f"{path}/acknowledge")
    await site.ends(alert)
    assert (await site.api.get(f"{SILENCES_PATH}/{first['id']}")).body["state"] == "expired"
    assert is_problem(await site.api.ask("POST", f"{path}/acknowledge", "operator", json={}), 404)
    actions = [action for action, _ in await audited(topics, f"silence/{first['id']}")]
    assert actions == [f"alert.{one}" for one in ("acknowledge", "acknowledge", "unacknowledge", "acknowledge")]


async def test_a_silence_of_an_alert_in_one_step(site: Site) -> None:
    alert = await site.fires("OneStep", site="bdg-1", port="ge-0")
    path = f"/api/monitoring/alerts/{alert.alert_id}/silence"
    wanted: dict[str, Any] = {"reason": "known", "duration_seconds": 60}
    of_all = await site.post(path, **wanted)
    assert {one["name"]: one["value"] for one in of_all["matchers"]} == alert.labels
    of_some = await site.post(path, **wanted, labels=["alertname", "site"])
    assert [one["name"] for one in of_some["matchers"]] == ["alertname", "site"]
    assert is_problem(await site.api.ask("POST", path, "operator", json=wanted | {"labels": ["colour"]}), 422)


async def test_another_alert_that_inhibits(site: Site) -> None:
    source, target = await site.fires("SiteDown", "critical", site="mlg"), await site.fires("Slow", site="mlg")
    muting = (await site.api.get(f"/api/monitoring/alerts/{target.alert_id}/muting")).body
    assert muting["inhibited_by"]["alert_id"] == source.alert_id
    assert [(one["by"], one["name"]) for one in muting["muted_by"]] == [(f"inhibited:{source.alert_id}", "SiteDown")]


async def test_the_list_says_what_mutes_each_alert(site: Site) -> None:
    acked, billing = await site.fires("InList", host="a"), await site.fires("InList", team="billing")
    made = await site.post(f"/api/monitoring/alerts/{acked.alert_id}/acknowledge", reason="on it")
    listed = (await site.api.get("/api/monitoring/alerts?status=active&limit=1000", "viewer")).body
    shown = {one["alert_id"]: one["muted_by"] for one in listed}
    (one,) = shown[acked.alert_id]
    assert (one["by"], one["name"], one["until"], one["reason"]) == (
        f"acknowledgement:{made['id']}", "test-operator", made["ends_at"], "on it",
    )  # fmt: skip
    assert [one["by"] for one in shown[billing.alert_id]] == ["mute-time:always"]


async def test_who_would_be_told(site: Site) -> None:
    path = "/api/monitoring/notifications/preview"
    found = await site.post(path, "viewer", labels={"alertname": "X", "severity": "critical"})
    (route,) = found["routes"]
    assert (route["receiver"], route["immediate"], route["group_key"]) == (
        "page", True, '{}/{severity="critical"}:{alertname="X", severity="critical"}',
    )  # fmt: skip
    told = [(one["channel"], one["to"], one["because"], one["quiet_until"]) for one in route["told"]]
    assert told == [("whatsapp", "ani", "on call: primary", None), ("whatsapp", "6281200000009", None, None)]
    assert [(one["after_seconds"], one["receiver"]) for one in route["escalation"]] == [(600, "boss")]
    assert (route["fallback"]["receiver"], route["escalation"][0]["told"][0]["to"]) == ("ops", "boss@example.net")

    found = await site.post(path, "viewer", labels={"team": "billing", "site": "a"}, at="2026-11-23T01:00:00Z")
    (route,) = found["routes"]
    assert (route["receiver"], route["muted_by_time"], route["group_labels"]) == ("billing", "always", {"site": "a"})
    alert = await site.fires("Told", site="lost")
    silence = await site.post(f"/api/monitoring/alerts/{alert.alert_id}/silence", reason="x", duration_seconds=600)
    found = await site.post(path, "viewer", alert=alert.alert_id)
    assert [(one["by"], one["until"]) for one in found["muted_by"]] == [
        (f"silence:{silence['id']}", silence["ends_at"])
    ]


def delivery(id: str, state: str, at_ms: int, **more: Any) -> Notification:
    fields = {"id": id, "event_id": "e", "alert_id": "a", "receiver": "ops", "channel": "webhook"}
    return Notification.model_validate(fields | {"destination": "ops/webhook/0", "state": state, "at": at_ms} | more)


async def test_how_receivers_do(site: Site) -> None:
    now_ms = clock.now_ms()
    steps = [
        delivery("n1", "planned", now_ms - 5_000),
        delivery("n1", "sent", now_ms - 4_000, latency_ms=120.0),
        delivery("n2", "planned", now_ms - 3_000),
        delivery("n2", "failed", now_ms - 2_000, reason="404 Not Found"),
        delivery("n3", "planned", now_ms - 1_000),
        delivery("n4", "planned", now_ms - 1_000, muted_by=["silence:x"]),
    ]
    await site.producer.send_all([Outgoing(NOTIFICATIONS, one.id, one) for one in steps])

    async def ops() -> Any:
        found = (await site.api.get("/api/monitoring/receivers", "viewer")).body["receivers"]
        return next(one for one in found if one["name"] == "ops")

    async def there() -> bool:
        return any(one["muted"] for one in (await ops())["destinations"])

    await eventually(there)
    one = await ops()
    assert (one["channels"], one["configured"]) == (["webhook"], True)
    assert one["destinations"] == [
        {
            "destination": "ops/webhook/0",
            "channel": "webhook",
            "last_sent": instant_to_text(now_ms - 4_000),
            "last_failure": {"at": instant_to_text(now_ms - 2_000), "reason": "404 Not Found"},
            "failing": True,
            "waiting": 1,
            "waiting_since": instant_to_text(now_ms - 1_000),
            "sent": 1,
            "failed": 1,
            "muted": 1,
            "p50_ms": 120.0,
            "p95_ms": 120.0,
        }
    ]


async def test_a_test_message_and_what_became_of_it(site: Site, topics: str) -> None:
    path = "/api/monitoring/receivers/page/test"
    asking = asyncio.create_task(site.api.ask("POST", path, "operator", json={}))

    async def request() -> NotificationRequest | None:
        found = [NotificationRequest.decode(one.value or b"") for one in await records(topics, NOTIFICATION_REQUESTS)]
        return next((one for one in found if one.receiver == "page"), None)

    asked = await eventually(request)
    assert is_problem(await site.api.ask("POST", path, "operator", json={}), 429)
    for number, state in ((0, "sent"), (1, "failed")):
        step = delivery(f"t{number}", state, clock.now_ms(), reason="number is not on WhatsApp" if number else None)
        named = {"occasion": "test", "event_id": asked.id, "receiver": "page", "destination": f"page/whatsapp/{number}"}
        step = step.model_copy(update=named | {"latency_ms": 10.0 + number})
        await site.producer.send(Outgoing(NOTIFICATIONS, step.id, step))
    answer = (await asking).body
    assert (answer["id"], answer["state"], answer["reason"]) == (asked.id, "failed", "number is not on WhatsApp")
    assert [one["state"] for one in answer["deliveries"]] == ["sent", "failed"]
    assert is_problem(await site.api.ask("POST", "/api/monitoring/receivers/nobody/test", "operator", json={}), 404)


def link_of(alert: CurrentAlert, action: Any = "acknowledge", **change: Any) -> Link:
    named: dict[str, Any] = {"recipient": "ani", "expires_at_ms": clock.now_ms() + HOUR_MS, "nonce": "n"}
    named |= {"action": action, "alert_id": alert.alert_id, "episode_ms": alert.episode}
    return Link(**named | change)


async def test_a_link_acknowledges_once_and_only_when_the_button_is_pressed(site: Site) -> None:
    alert = await site.fires("FromPhone", "critical")
    link = link_of(alert)
    path = f"/a/{sign(link, KEY)}"
    browser = {"Accept-Language": "id-ID,id;q=0.9", "Origin": "null", "Sec-Fetch-Site": "cross-site"}

    for method in ("GET", "HEAD", "GET"):
        page = await site.api.ask(method, path, None, headers=browser)
        assert page.status == 200
    assert "FromPhone &lt;b&gt;of&lt;/b&gt;" in page.text
    assert "<b>" not in page.text
    assert '<html lang="id">' in page.text
    assert "Saya tangani" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "set-cookie" not in page.headers
    assert (await site.api.get(f"{SILENCES_PATH}/{link.makes}")).status == 404, "looking changes nothing"

    done = await site.api.ask("POST", path, None, headers=browser)
    assert (done.status, "Berhasil" in done.text) == (200, True)
    made = (await site.api.get(f"{SILENCES_PATH}/{link.makes}")).body
    assert (made["kind"], made["created_by"], made["mutes_now"]) == ("acknowledgement", "ani", True)
    await site.api.ask("DELETE", f"/api/monitoring/alerts/{alert.alert_id}/acknowledge", "operator")
    again = await site.api.ask("POST", path, None)
    assert (again.status, "has been used" in again.text or "sudah dipakai" in again.text) == (409, True)
    assert (await site.api.get(f"{SILENCES_PATH}/{link.makes}")).body["mutes_now"] is False
    assert path.rpartition("/")[2] not in site.api.log.read_text(), "tokens are not written down"


async def test_a_link_silences(site: Site) -> None:
    alert = await site.fires("Noisy", site="x")
    link = link_of(alert, "silence")
    assert (await site.api.ask("POST", f"/a/{sign(link, KEY)}", None)).status == 200
    made = (await site.api.get(f"{SILENCES_PATH}/{link.makes}")).body
    assert (made["kind"], made["matches"], made["mutes_now"]) == ("silence", 1, True)


async def test_links_that_lead_nowhere(site: Site) -> None:
    alert = await site.fires("Over")
    over = sign(link_of(alert), KEY)
    await site.ends(alert)
    held = await site.fires("Held")
    for token, status in (
        (over, 410),
        (sign(link_of(held, expires_at_ms=clock.now_ms() - 1), KEY), 410),
        (sign(link_of(held, episode_ms=held.episode - 1), KEY), 410),
        (sign(link_of(held), KEY[::-1]), 404),
        (f"{sign(link_of(held), KEY)[:-2]}AA", 404),
        ("nonsense", 404),
    ):
        for method in ("GET", "POST"):
            answer = await site.api.ask(method, f"/a/{token}", None)
            assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), answer.text
    muting = (await site.api.get(f"/api/monitoring/alerts/{held.alert_id}/muting")).body
    assert (muting["acknowledgements"], muting["silences"]) == ([], [])


async def test_a_test_message_through_a_real_notifier(tmp_path: Path, topics: str, producer: Producer) -> None:
    """Nothing is configured: the log is told."""
    tokens = {"operator": await bearer_token(producer, "operator")}
    environment = {"PANTAU_KAFKA__BOOTSTRAP": topics, "PANTAU_NOTIFIER__ADMIN__PORT": str(ports.free()[0])}
    async with running_api(tmp_path, topics, NO_DATABASE, tokens) as api:
        await api.known()
        with running("services.notifier", tmp_path / "notifier.log", **environment):
            receivers = (await api.get("/api/monitoring/receivers", "operator")).body["receivers"]
            (name,) = [one["name"] for one in receivers if one["configured"]]

            async def sent() -> Any:
                answer = await api.ask("POST", f"/api/monitoring/receivers/{name}/test", "operator", json={})
                return answer.body if answer.status == 200 and answer.body["state"] == "sent" else None

            outcome = await eventually(sent)
        assert [(one["destination"], one["state"]) for one in outcome["deliveries"]] == [(f"{name}/log/0", "sent")]


async def test_live_streams_are_told_what_mutes_alerts_and_what_no_longer_does(site: Site) -> None:
    alert = await site.fires("ToldLive", site="jkt-7")
    id = episode_id(alert.alert_id, alert.episode)
    headers = {"Authorization": f"Bearer {site.api.tokens['viewer']}"}
    async with site.api.session.get(f"{site.api.url}/api/monitoring/stream", headers=headers) as stream:
        await stream.content.readuntil(b"live")
        made = await site.post(SILENCES_PATH, matchers=[matcher("site", "jkt-7")], reason="known", duration_seconds=60)
        said = await next_muting(stream.content, id)
        listed = (await site.api.get("/api/monitoring/alerts?status=active")).body
        (shown,) = [one for one in listed if one["id"] == id]
        assert said == shown["muted_by"]
        assert [(one["by"], one["reason"]) for one in said] == [(f"silence:{made['id']}", "known")]
        assert (await site.api.ask("DELETE", f"{SILENCES_PATH}/{made['id']}", "operator")).status == 200
        assert await next_muting(stream.content, id) == []


async def next_muting(content: StreamReader, id: str) -> list[dict[str, Any]]:
    """What the next event that speaks of an alert says to mute it."""
    while True:
        told: dict[str, list[dict[str, Any]]] = (await next_event(content, "muting"))["alerts"]
        if id in told:
            return told[id]
