"""Alerts from the bus to telephones: the notifier as a program, a simulated WAHA, and another way when that is down."""

import json
from pathlib import Path

from infra.simulator.whatsapp.gateway import Plan
from infra.simulator.whatsapp.served import ServedGateway
from shared.bus import Producer
from tests.conftest import eventually
from tests.integration.notifier_program import Notifier, begun, ended, episodes, publish
from tests.integration.webhook_receiver import Receiver, listening

TELEPHONES = {"ani": "628110000001", "budi": "628110000002"}


async def test_each_person_is_told_and_another_way_is_taken_while_the_gateway_has_no_session(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    first, second = episodes(1), episodes(1)
    async with listening(Receiver()) as other, ServedGateway(Plan(per_minute=0.0)) as waha:
        notifier = Notifier(topics, tmp_path, other.url)
        page = {
            "name": "page",
            "whatsapp_configs": [{"to": [{"person": "ani"}, {"person": "budi"}]}],
            "fallback": {"after": "1s", "receiver": notifier.receiver},
        }
        notifier.notifications["receivers"].append(page)
        notifier.notifications["route"] = {"receiver": "page", "immediate": True}
        notifier.notifications["people"] = [
            {"name": name, "whatsapp": number, "language": "id" if name == "ani" else "en"}
            for name, number in TELEPHONES.items()
        ]
        gateways = [{"name": "billing", "waha": {"url": waha.url, "api_key": waha.plan.api_key}}]

        def texts(rule: str) -> list[tuple[str, str]]:
            return [(one.chat, one.text) for one in waha.gateway.messages.values() if rule in one.text]

        async def on_telephones(rule: str, count: int) -> bool:
            return len(texts(rule)) >= count

        async def elsewhere(rule: str) -> bool:
            return any(one.alert["rule"] == rule for one in other.requests)

        with notifier.running(PANTAU_WHATSAPP__GATEWAYS=json.dumps(gateways)):
            named = [one.model_copy(update={"message": f"Alert {one.rule}"}) for one in (*first, *second)]
            first, second = named[: len(first)], named[len(first) :]
            await publish(producer, begun(first))
            await eventually(lambda: on_telephones(first[0].rule, 2))
            await publish(producer, ended(first))
            await eventually(lambda: on_telephones(first[0].rule, 4))
            waha.gateway.stop("default")
            await publish(producer, begun(second))
            await eventually(lambda: elsewhere(second[0].rule))
    told = texts(first[0].rule)
    assert {chat for chat, _ in told} == {f"{number}@c.us" for number in TELEPHONES.values()}
    for number, of_time in ((TELEPHONES["ani"], "Waktu:"), (TELEPHONES["budi"], "Time:")):
        begins, ends = (text for chat, text in told if chat == f"{number}@c.us")
        assert begins.startswith("🚨")
        assert of_time in begins
        assert ends.startswith("✅")
    assert not any(one.alert["rule"] == first[0].rule for one in other.requests), "the gateway had taken it"
    assert texts(second[0].rule) == []
