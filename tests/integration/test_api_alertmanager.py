"""Alertmanager's API v2, as its own amtool and its OpenAPI document have it."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.muting_site import SETTINGS, Site, muting_site

AMTOOL = shutil.which("amtool")
needs_amtool = [
    pytest.mark.peers,
    pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (Debian: prometheus-alertmanager)"),
]
V2 = "/api/v2"


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, topics: str) -> AsyncIterator[Site]:
    async with muting_site(tmp_path_factory.mktemp("api"), topics) as site:
        yield site


@dataclass
class Amtool:
    """Debian's amtool, told to speak to our api."""

    site: Site
    http_config: Path

    async def __call__(self, *arguments: str, output: str = "json", path: str = "", status: int = 0) -> Any:
        """What it prints; its exit status must be `status`, and if that is not 0 the answer is its complaint."""
        url = f"--alertmanager.url={self.site.api.url}{path}"
        options = [url, f"--http.config.file={self.http_config}", f"--output={output}", "--timeout=20s"]
        process = await asyncio.create_subprocess_exec(
            str(AMTOOL), *arguments, *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, complaint = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == status, complaint.decode()
        if status:
            return complaint.decode()
        return json.loads(out) if output == "json" and out.strip().startswith((b"[", b"{")) else out.decode()


@pytest.fixture
def amtool(site: Site, tmp_path: Path) -> Amtool:
    config = tmp_path / "http.yml"
    config.write_text(yaml.safe_dump({"authorization": {"credentials": site.api.tokens["operator"]}}))
    return Amtool(site, config)


class TestAmtool:
    pytestmark = needs_amtool

    @pytest.mark.parametrize("path", ["", "/alertmanager"])
    async def test_alerts(self, site: Site, amtool: Amtool, path: str) -> None:
        alert = await site.fires("AmAlert", "critical", site="jkt")
        (found,) = await amtool("alert", "query", "alertname=AmAlert", "site=~j.t", path=path)
        assert found["fingerprint"] == alert.fingerprint
        assert (found["labels"], found["receivers"]) == (alert.labels, [{"name": "page"}])
        assert {name: found["status"][name] for name in ("state", "silencedBy", "inhibitedBy")} == {
            "state": "active",
            "silencedBy": [],
            "inhibitedBy": [],
        }
        assert await amtool("alert", "query", "alertname=AmAlert", "--receiver=boss", path=path) == []
        assert "AmAlert" in await amtool("alert", "query", "alertname=AmAlert", output="extended", path=path)

    async def test_a_silence_from_its_making_to_its_end(self, site: Site, amtool: Amtool) -> None:
        alert = await site.fires("AmSilence", site='with "quotes"')
        named = ("alertname=AmSilence", "team!=billing")
        id = (
            await amtool("silence", "add", *named, "--comment=fibre", "--duration=1h", "--author=ani", output="simple")
        ).strip()
        (found,) = await amtool("silence", "query", "alertname=AmSilence")
        assert (found["id"], found["comment"], found["createdBy"]) == (id, "fibre", "ani")
        assert [(one["name"], one["isEqual"], one["isRegex"]) for one in found["matchers"]] == [
            ("alertname", True, False),
            ("team", False, False),
        ]
        (muted,) = await amtool("alert", "query", "--silenced", "alertname=AmSilence")
        assert muted["status"]["silencedBy"] == [id]
        assert await amtool("alert", "query", "--active", "alertname=AmSilence") == []
        ours = (await site.api.get(f"/api/monitoring/alerts/{alert.alert_id}/muting")).body
        assert [one["id"] for one in ours["silences"]] == [id]

        await amtool("silence", "update", id, "--duration=2h", "--comment=longer", output="simple")
        (changed,) = await amtool("silence", "query", "alertname=AmSilence")
        assert (changed["id"], changed["comment"]) == (id, "longer")
        assert changed["endsAt"] > found["endsAt"]
        await amtool("silence", "expire", id)
        assert await amtool("silence", "query", "alertname=AmSilence") == []
        (over,) = await amtool("silence", "query", "--expired", "alertname=AmSilence")
        assert over["status"]["state"] == "expired"

    async def test_what_is_refused_says_why(self, amtool: Amtool) -> None:
        nowhere = await amtool("silence", "expire", "5d3c6a52-7a7c-4b5e-9a3f-1f2e3d4c5b6a", status=1)
        assert "404" in nowhere
        refusal = await amtool("alert", "add", "alertname=Mine", status=1)
        assert "come from Pantau's rules" in refusal

    async def test_configuration_and_cluster(self, amtool: Amtool) -> None:
        shown = await amtool("config", "show", output="simple")
        assert "receiver: page" in shown
        assert "disabled" in await amtool("cluster", "show", output="simple")

    async def test_it_routes_as_our_preview(self, site: Site, amtool: Amtool, tmp_path: Path) -> None:
        configuration = yaml.safe_load(SETTINGS)["notifications"]
        theirs = {key: configuration[key] for key in ("global", "route", "time_intervals")}
        for route in theirs["route"]["routes"]:
            for ours in ("immediate", "escalation"):
                route.pop(ours, None)
        theirs["receivers"] = [{"name": one["name"]} for one in configuration["receivers"]]
        file = tmp_path / "alertmanager.yml"
        file.write_text(yaml.safe_dump(theirs))
        for labels in (
            {"severity": "critical"},
            {"team": "billing"},
            {"severity": "info"},
            {"severity": "critical", "team": "billing"},
        ):
            texts = [f"{name}={value}" for name, value in labels.items()]
            said = await amtool("config", "routes", "test", f"--config.file={file}", *texts, output="simple")
            preview = await site.post("/api/monitoring/notifications/preview", "viewer", labels=labels)
            assert said.strip() == ",".join(one["receiver"] for one in preview["routes"])


async def test_status_hides_secrets(site: Site) -> None:
    status = (await site.api.get(f"{V2}/status", "viewer")).body
    text = status["config"]["original"]
    for secret in ("hunter2", "very-secret"):
        assert secret not in text
    shown = yaml.safe_load(text)
    assert shown["global"] == {
        "smtp_smarthost": "mail.example.net:587",
        "smtp_from": "pantau@example.net",
        "smtp_auth_password": "<secret>",
    }
    assert shown["receivers"][0] == {"name": "ops", "webhook_configs": [{"url": "<secret>"}]}
    assert status["cluster"] == {"status": "disabled", "peers": []}


async def test_groups_and_receivers(site: Site) -> None:
    for place in ("a", "b", "b"):
        await site.fires("Grouped", team="billing", site=place)
    answer = await site.api.get(f"{V2}/alerts/groups", "viewer", params={"filter": "alertname=Grouped"})
    assert [(one["labels"], one["receiver"]["name"], len(one["alerts"])) for one in answer.body] == [
        ({"site": "a"}, "billing", 1),
        ({"site": "b"}, "billing", 1),
    ]
    names = [one["name"] for one in (await site.api.get(f"{V2}/receivers", "viewer")).body]
    assert names == ["billing", "boss", "ops", "page"]


async def test_an_inhibited_alert_names_what_inhibits_it(site: Site) -> None:
    source, target = await site.fires("SiteDown", "critical", site="z9"), await site.fires("Slow", site="z9")
    asked = {"filter": 'site="z9"'}
    found = {one["labels"]["alertname"]: one for one in (await site.api.get(f"{V2}/alerts", params=asked)).body}
    assert found["Slow"]["status"]["inhibitedBy"] == [source.fingerprint]
    assert (found["Slow"]["status"]["state"], found["SiteDown"]["status"]["state"]) == ("suppressed", "active")
    left = await site.api.get(f"{V2}/alerts", params=asked | {"inhibited": "false"})
    assert target.fingerprint not in [one["fingerprint"] for one in left.body]


SILENCE: dict[str, Any] = {
    "matchers": [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}],
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "2199-01-01T00:00:00Z",
    "createdBy": "me",
    "comment": "c",
}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"matchers": []}, 400),
        ({"matchers": [{"name": "a", "value": "", "isRegex": False}]}, 400),
        ({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, 400),
        ({"comment": " "}, 400),
        ({"endsAt": "2026-01-02T00:00:00Z"}, 400),
        ({"endsAt": "tomorrow"}, 400),
        ({}, 400),  # later than allowed
        ({"id": "5d3c6a52-7a7c-4b5e-9a3f-1f2e3d4c5b6a"}, 404),
    ],
)
async def test_errors_are_texts(site: Site, change: dict[str, Any], status: int) -> None:
    answer = await site.api.ask("POST", f"{V2}/silences", "operator", json=SILENCE | change)
    assert answer.status == status
    assert isinstance(answer.body, str)


async def test_who_may(site: Site) -> None:
    assert (await site.api.get(f"{V2}/alerts", None)).status == 401
    assert (await site.api.ask("POST", f"{V2}/silences", "viewer", json=SILENCE)).status == 403
    assert (await site.api.get(f"{V2}/alerts?filter=%3Dx", "viewer")).status == 400
    assert (await site.api.get("/alertmanager/api/v2/silences", "viewer")).body is not None
