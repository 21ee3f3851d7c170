"""Every example payload through each service that reads its topic: its pure decisions, and history's tables."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from services.alerting.core.inputs import series_of
from services.alerting.core.routing import Routes, group_reaches, partition_of
from services.api.core.access import Tokens
from services.api.core.alerts import ActiveAlerts
from services.api.core.health import HealthView
from services.api.core.rules import group_body
from services.api.core.system import SystemView
from services.api.core.traffic import TrafficView
from services.history.core.series_index import SeriesIndex
from services.history.retention import Retention
from services.history.sample_store import SampleStore
from services.history.settings import HistorySettings
from services.history.writer import CONSUMED, Writer
from services.notifier.core.engine import Engine
from shared.bus import Batch, Received
from shared.database import Database
from shared.messages.access import Token
from shared.messages.alerts import AlertEvent
from shared.messages.samples import PackedBatch
from shared.messages.topics import (
    ACCESS,
    ALERT_EVENTS,
    ALERT_STATE,
    HEALTH,
    NOTIFICATIONS,
    RULES,
    SAMPLES,
    Topic,
)
from shared.service import Readiness
from shared.settings import DatabaseSettings
from tests.contract.examples import Example, all_examples, examples_of
from tests.unit.notifier.world import FakeTerms

DAY_MS = 24 * 60 * 60 * 1000
# When the examples play.
WRITTEN = datetime(2026, 11, 23, 10, 15, 30, tzinfo=UTC)


def with_value(topic: Topic) -> list[Example]:
    return [example for example in examples_of(topic) if example.value is not None]


def received(example: Example, offset: int) -> Received:
    return Received(example.topic, 0, offset, round(WRITTEN.timestamp() * 1000), example.key, example.message, {})


def test_history_stores_all_that_it_reads(database_dsn: str) -> None:
    """Into the real schema: a refused row would be a dead letter."""
    messages = [
        received(example, offset)
        for topic in CONSUMED
        for offset, example in enumerate(examples_of(topic))
        if example.value is not None or topic.cleanup == "compact"
    ]
    ends = {(topic.name, 0): len(examples_of(topic)) for topic in CONSUMED}

    async def store() -> list[tuple[str, str]]:
        refused: list[tuple[str, str]] = []

        async def put_aside(message: Received, error: Exception) -> None:
            refused.append((f"{message.topic.name}/{message.offset}", repr(error)))

        database = Database(DatabaseSettings(dsn=SecretStr(database_dsn)), "test", 2)
        settings = HistorySettings()
        index = SeriesIndex(settings.most_series)
        writer = Writer(database, index, SampleStore(index, 36_500 * DAY_MS))
        try:
            await Retention(database, Readiness(), settings.retention, 3_600).once(WRITTEN)
            await writer.locate(list(ends))
            await writer.store(Batch(messages, ends), put_aside)
        finally:
            await database.close()
        return refused

    assert asyncio.run(store()) == []


@pytest.mark.parametrize("example", with_value(ALERT_EVENTS), ids=str)
def test_notifier_tells_what_people_should_hear(example: Example) -> None:
    event: AlertEvent = example.message
    engine = Engine(FakeTerms(), 1_000)
    engine.take(event, 0, event.instant)
    engine.resume(event.instant)
    told = [one.event.id for planned in engine.plan(event.instant) for one in planned.notice.alerts]
    assert told == ([event.id] if event.state == "firing" and not event.shadow else [])


def test_notifier_takes_its_ledger_from_the_bus() -> None:
    engine = Engine(FakeTerms(), 1_000)
    for example in with_value(NOTIFICATIONS):
        engine.note(example.message)
    assert engine.ledger.is_final(next(one for one in with_value(NOTIFICATIONS) if one.name == "sent").message.id)


@pytest.mark.parametrize("example", with_value(ALERT_EVENTS), ids=str)
def test_api_shows_an_alert_from_its_event(example: Example) -> None:
    alerts = ActiveAlerts()
    alerts.put_event(example.message)
    active = [body.model_dump_json() for body in alerts.active()]
    assert bool(active) == (example.message.state in ("pending", "firing") and not example.message.shadow)
    for body in active:
        assert json.loads(body)["message"] == example.message.message


@pytest.mark.parametrize("example", with_value(ALERT_STATE), ids=str)
def test_api_shows_an_alert_from_its_state_until_the_tombstone(example: Example) -> None:
    alerts = ActiveAlerts()
    alerts.put_state(example.key, example.message)
    shown = [json.loads(body.model_dump_json())["severity"] for body in alerts.active()]
    assert shown == ([] if example.message.shadow else [example.message.severity])
    alerts.put_state(example.key, None)
    assert alerts.active() == []


@pytest.mark.parametrize("example", with_value(ACCESS), ids=str)
def test_api_knows_tokens_until_the_tombstone(example: Example) -> None:
    tokens = Tokens()
    if isinstance(example.message, Token):
        tokens.put(example.message)
        assert len(tokens) == 1
        tokens.remove(example.key)
    assert len(tokens) == 0


@pytest.mark.parametrize("example", with_value(HEALTH), ids=str)
def test_api_shows_a_health_result(example: Example) -> None:
    view = HealthView()
    assert view.put(example.message)
    body = json.loads(view.body(example.message.checked_at).model_dump_json())
    assert example.message.status in json.dumps(body)


@pytest.mark.parametrize("example", with_value(RULES), ids=str)
def test_api_shows_a_rule_group(example: Example) -> None:
    assert len(group_body(example.message, None, 0).rules) == len(example.message.rules)


@pytest.mark.parametrize("example", with_value(SAMPLES), ids=str)
def test_api_takes_samples(example: Example) -> None:
    system, traffic = SystemView(), TrafficView(60)
    traffic.put(example.message)
    assert (system.put(example.message) is not None) == (example.name == "system")


@pytest.mark.parametrize("example", with_value(SAMPLES), ids=str)
def test_alerting_routes_samples_to_the_groups_whose_rules_select_them(example: Example) -> None:
    routes = Routes(4)
    for group in with_value(RULES):
        routes.put(group.key, group_reaches(group.message, 300_000))
    selected = {"pushed": {"Custom Alert"}, "system": {"billing"}, "derived": {"billing"}}
    groups = selected.get(example.name, set())
    parts = dict(routes.split(PackedBatch.decode(example.payload or b""), 0, 0, 0))
    assert set(parts) == {partition_of(group, 4) for group in groups}
    assert all(series_of(part) for part in parts.values())


def test_the_services_that_are_named_as_readers_are_the_ones_tried_here() -> None:
    """History's own list and the catalogue agree."""
    assert {topic.name for topic in CONSUMED} == {
        example.topic.name for example in all_examples() if "history" in example.topic.consumers
    }
