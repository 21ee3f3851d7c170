"""Why an alert fired, and why a rule did or did not: asked of a real api over a real history."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local import ports
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import (
    AlertEvent,
    CurrentAlert,
    Evidence,
    EvidenceSample,
    EvidenceSeries,
    State,
    episode_id,
    event_id,
    fingerprint,
)
from shared.messages.alerts import alert_id as id_of_alert
from shared.messages.message import instant_to_text
from shared.messages.notifications import Notification
from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, NOTIFICATIONS, RULES, SAMPLES
from tests.conftest import eventually
from tests.integration.api_process import Api, is_problem, make_tokens, new_database, running_api
from tests.integration.history_rig import Rig, batch_of, received

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# Yesterday at 10:15:00 UTC.
AT = clock.now_ms() // DAY * DAY - DAY + (10 * 60 + 15) * MINUTE
EXPLAIN = "/api/monitoring/alerts/explain"


@dataclass
class Site:
    """An api, and a writer of the history that it reads."""

    api: Api
    rig: Rig
    producer: Producer
    offset: int = 0

    async def stored(self, *samples: Sample, source: str = "push/0", accepted_ms: int | None = None) -> None:
        accepted = samples[-1].time_ms if accepted_ms is None else accepted_ms
        batch = SampleBatch.of(source, samples)
        await self._store(received(SAMPLES, self._next(), batch, accepted_ms=accepted))

    async def watched(self, *instants: int) -> None:
        """Collectors gave signs of life."""
        for instant in instants:
            await self.stored(Sample('up{job="x"}', instant, 1.0), source="collector/web-1", accepted_ms=instant)

    async def in_force(self, group: RuleGroup | None, name: str, at_ms: int) -> None:
        """History knows of a version of a group."""
        await self._store(received(RULES, self._next(), group, key=name, accepted_ms=at_ms))

    async def published(self, *groups: RuleGroup) -> None:
        """The groups are in force now, as far as the bus says."""
        await self.producer.send_all([Outgoing(RULES, group.name, group) for group in groups])

        async def known() -> bool:
            answers = [
                await self.api.get(EXPLAIN, params={"rule": one.rules[0].name, "group": one.name}) for one in groups
            ]
            return all(answer.status != 404 for answer in answers)

        await eventually(known)

    async def _store(self, message: Any) -> None:
        await self.rig.store(batch_of([message]))
        assert self.rig.put_aside == []

    def _next(self) -> int:
        self.offset += 1
        return self.offset


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, topics: str, postgres_dsn: str) -> AsyncIterator[Site]:
    dsn = new_database(postgres_dsn)
    rig, producer = Rig(dsn), Producer(topics, "test")
    await rig.located(*((topic.name, 0) for topic in (SAMPLES, RULES, ALERT_EVENTS, NOTIFICATIONS)))
    await producer.start()
    try:
        async with running_api(tmp_path_factory.mktemp("api"), topics, dsn, make_tokens(dsn)) as api:
            await api.known()
            yield Site(api, rig, producer)
    finally:
        await producer.stop()
        await rig.database.close()


def group(name: str, *rules: AlertingRule | RecordingRule, version: int = 1, **named: Any) -> RuleGroup:
    return RuleGroup(
        name=name, rules=list(rules), interval_ms=MINUTE, version=version, origin="api", updated_by="ana",
        updated_at=AT - DAY, **named,
    )  # fmt: skip


def high_cpu(name: str, threshold: float = 80.0, for_ms: int = 0) -> AlertingRule:
    return AlertingRule(name=name, expr=f'cpu_usage{{rule="{name}"}} > {threshold:g}', for_ms=for_ms)


def cpu(name: str, host: str, at_ms: int, value: float) -> Sample:
    return Sample(f'cpu_usage{{host="{host}",rule="{name}"}}', at_ms, value)


async def test_a_rule_that_fired_and_one_instant_later_did_not(site: Site) -> None:
    name = "Fired"
    await site.published(group("fired", high_cpu(name)))
    await site.watched(*(AT + minute * MINUTE for minute in range(-5, 10)))
    for minute, value in ((-1, 70.0), (0, 85.0), (1, 79.0)):
        await site.stored(cpu(name, "web-1", AT + minute * MINUTE, value), cpu(name, "web-2", AT + minute * MINUTE, 50))
    answer = (await site.api.get(EXPLAIN, params={"rule": name, "at": instant_to_text(AT)})).body
    assert answer["verdict"]["key"] == "fires"
    assert answer["known"] is True
    assert answer["instant"] == instant_to_text(AT)
    assert [(one["labels"]["host"], one["state"], one["since"]) for one in answer["alerts"]] == [
        ("web-1", "firing", instant_to_text(AT))
    ]
    (selector,) = answer["tree"]["parts"]
    assert [(one["labels"]["host"], one["value"], one["taken_at"]) for one in selector["elements"]] == [
        ("web-1", 85.0, instant_to_text(AT)),
        ("web-2", 50.0, instant_to_text(AT)),
    ]
    later = (await site.api.get(EXPLAIN, params={"rule": name, "at": str((AT + MINUTE) / 1000)})).body
    assert later["verdict"]["key"] == "does_not_fire"
    assert [one["values"]["apart"] for one in later["verdict"]["because"]] == ["1", "30"]
    narrow = {"rule": name, "at": instant_to_text(AT), "labels": '{host="web-2"}'}
    assert (await site.api.get(EXPLAIN, params=narrow)).body["verdict"]["key"] == "does_not_fire"


async def test_what_is_missing_is_named_and_who_records_it(site: Site) -> None:
    silent = AlertingRule(name="Silent", expr="job:rate:missing > 1 or gone > 1 or nowhere > 1")
    recorded = RecordingRule(name="job:rate:missing", expr="sum(rate(x[5m]))")
    await site.published(group("silent", silent), group("makers", recorded))
    await site.stored(Sample("gone", AT - 20 * MINUTE, 5.0))
    answer = (await site.api.get(EXPLAIN, params={"rule": "Silent", "at": instant_to_text(AT)})).body
    assert answer["verdict"]["key"] in ("does_not_fire", "unknown")
    reasons = {one["expr"]: one for one in answer["verdict"]["because"]}
    assert reasons["nowhere"]["key"] == "no_series"
    assert reasons["gone"]["key"] == "no_sample"
    assert reasons["gone"]["values"]["newest"] == instant_to_text(AT - 20 * MINUTE)

    def missing(node: dict[str, Any]) -> dict[str, Any]:
        found = {} if node["missing"] is None else {node["expr"]: node["missing"]["recorded_by"]}
        for part in node["parts"]:
            found |= missing(part)
        return found

    assert missing(answer["tree"]) == {
        "job:rate:missing": [{"group": "makers", "record": "job:rate:missing"}],
        "gone": [],
        "nowhere": [],
    }


async def test_the_version_that_was_in_force_then_is_explained(site: Site) -> None:
    name = "Edited"
    before, after = group("edited", high_cpu(name, 90.0)), group("edited", high_cpu(name, 60.0), version=2)
    await site.in_force(before, "edited", AT - 60 * MINUTE)
    await site.in_force(after, "edited", AT + 60 * MINUTE)
    await site.published(after)
    await site.watched(AT)
    await site.stored(cpu(name, "web-1", AT, 85.0))
    ask = {"rule": name, "at": instant_to_text(AT)}
    then = (await site.api.get(EXPLAIN, params=ask)).body
    assert (then["rule"]["explained"], then["rule"]["version_then"], then["rule"]["version_now"]) == ("then", 1, 2)
    assert (then["rule"]["changed"], then["verdict"]["key"]) == (True, "does_not_fire")
    assert then["rule"]["in_force_since"] == instant_to_text(AT - 60 * MINUTE)
    now = (await site.api.get(EXPLAIN, params=ask | {"version": "now"})).body
    assert (now["rule"]["explained"], now["rule"]["changed"], now["verdict"]["key"]) == ("now", False, "fires")


async def test_a_rule_that_is_gone_is_explained_as_it_was(site: Site) -> None:
    await site.in_force(group("gone", high_cpu("Gone")), "gone", AT - 60 * MINUTE)
    await site.in_force(None, "gone", AT + 60 * MINUTE)
    ask = {"rule": "Gone", "at": instant_to_text(AT)}
    answer = (await site.api.get(EXPLAIN, params=ask)).body
    assert (answer["rule"]["group"], answer["rule"]["version_now"], answer["rule"]["changed"]) == ("gone", None, True)
    assert is_problem(await site.api.get(EXPLAIN, params=ask | {"at": instant_to_text(AT + 61 * MINUTE)}), 404)
    assert is_problem(await site.api.get(EXPLAIN, params=ask | {"version": "now"}), 404)


async def test_for_and_dark_time(site: Site) -> None:
    name, base = "Pending", AT + 3 * 60 * MINUTE
    await site.published(group("pending", high_cpu(name, for_ms=3 * MINUTE)))
    # Known until base + 1 m, then dark for 10 minutes.
    await site.watched(*(base + minute * MINUTE for minute in range(-10, 2)))
    for minute in range(-5, 12):
        await site.stored(cpu(name, "web-1", base + minute * MINUTE, 85.0 if minute >= 0 else 70.0))

    async def at(minute: int) -> Any:
        return (await site.api.get(EXPLAIN, params={"rule": name, "at": instant_to_text(base + minute * MINUTE)})).body

    pending = await at(1)
    assert (pending["verdict"]["key"], pending["verdict"]["values"]["fires_at"]) == (
        "pending",
        instant_to_text(base + 3 * MINUTE),
    )
    # Collectors count as alive for two minutes: of the five only two counted, timers stand still in the dark.
    dark = await at(5)
    assert (dark["known"], dark["verdict"]["key"]) == (False, "pending")


async def test_how_complete_history_is(site: Site) -> None:
    await site.published(group("complete", high_cpu("Complete")))
    ask = {"rule": "Complete", "at": instant_to_text(AT)}
    async with site.rig.database.connection() as connection:
        await connection.execute("DELETE FROM history_offsets WHERE topic = $1 AND partition > 0", SAMPLES.name)
    unknown = (await site.api.get(EXPLAIN, params=ask)).body["history"]
    assert unknown == {"complete": False, "complete_until": None}
    async with site.rig.database.connection() as connection:
        await connection.execute(
            "INSERT INTO history_offsets (topic, partition, complete_until)"
            " SELECT $1, number, to_timestamp($2) FROM generate_series(1, $3) AS number",
            SAMPLES.name,
            (AT + 5 * DAY) / 1000,
            SAMPLES.partitions - 1,
        )
        for seconds, complete in ((-1, False), (0, True), (1, True)):
            until = AT + seconds * 1000
            await connection.execute(
                "UPDATE history_offsets SET complete_until = to_timestamp($2) WHERE topic = $1 AND partition = 0",
                SAMPLES.name,
                until / 1000,
            )
            found = (await site.api.get(EXPLAIN, params=ask)).body["history"]
            assert found == {"complete": complete, "complete_until": instant_to_text(until)}


async def test_what_can_not_be_asked(site: Site) -> None:
    twice = group("twice", high_cpu("Twice", 80), high_cpu("Twice", 90))
    await site.published(group("one", high_cpu("Both")), group("two", high_cpu("Both")), twice)
    ask = site.api.get
    assert is_problem(await ask(EXPLAIN, params={"rule": "NoSuchRule"}), 404)
    assert is_problem(await ask(EXPLAIN, params={"rule": "Both", "group": "nowhere"}), 404)
    both = await ask(EXPLAIN, params={"rule": "Both"})
    assert is_problem(both, 422)
    assert "'one', 'two'" in both.body["detail"]
    assert both.body["errors"][0]["where"] == "query.group"
    places = await ask(EXPLAIN, params={"rule": "Twice"})
    assert is_problem(places, 422)
    assert places.body["errors"][0]["where"] == "query.place"
    assert (await ask(EXPLAIN, params={"rule": "Twice", "place": "1"})).body["rule"]["expr"].endswith("> 90")
    for wrong in (
        {"at": "yesterday"},
        {"at": instant_to_text(clock.now_ms() + DAY)},
        {"at": "-5"},
        {"labels": "host"},
        {"labels": "sum(host)"},
        {"labels": "{"},
        {"place": "x"},
    ):
        assert is_problem(await ask(EXPLAIN, params={"rule": "Both", "group": "one"} | wrong), 422), wrong
    assert is_problem(await ask(EXPLAIN), 422)


async def test_what_would_cost_too_much_is_refused(
    site: Site, tmp_path: Path, topics: str, kafka_bootstrap: str
) -> None:
    await site.published(group("costly", AlertingRule(name="Costly", expr='{__name__=~"costly.*"} > 1')))
    await site.stored(*(Sample(f'costly{{n="{number}"}}', AT, 1.0) for number in range(200)))
    dsn = await _dsn(site)
    async with running_api(
        tmp_path, kafka_bootstrap, dsn, site.api.tokens, PANTAU_API__QUERY__MOST_SERIES="100"
    ) as small:
        await small.known()
        ask = {"rule": "Costly", "at": instant_to_text(AT)}
        refused = await small.get(EXPLAIN, params=ask)
        assert is_problem(refused, 422)
        assert "100 stored series" in refused.body["detail"]
    assert (await site.api.get(EXPLAIN, params=ask)).status == 200


async def _dsn(site: Site) -> str:
    return site.rig.database._settings.dsn.get_secret_value()


def events(rule: str, *, shadow: bool = False) -> list[AlertEvent]:
    """pending, firing and resolved of one alert."""
    labels = {"alertname": rule, "host": "web-1"}
    alert = id_of_alert("cpu", rule, labels)
    sample = EvidenceSample(time=AT, value=85.0)
    series = EvidenceSeries(series='cpu_usage{host="web-1"}', samples=[sample], total_samples=1, partition=2, offset=7)
    evidence = Evidence(series=[series], total_series=1, taken_at=AT, partition=2, offset=7, accepted_at=AT + 40)
    steps: list[tuple[State, State, int]] = [
        ("pending", "inactive", 0),
        ("firing", "pending", MINUTE),
        ("resolved", "firing", 5 * MINUTE),
    ]
    return [
        AlertEvent(
            id=event_id(alert, AT, number),
            alert_id=alert,
            fingerprint=fingerprint(labels),
            group="cpu",
            rule=rule,
            rule_version="v",
            group_version=3,
            episode=AT,
            transition=number,
            state=state,
            previous_state=previous,
            instant=AT + after,
            decided_at=AT + after + 60,
            late_ms=0,
            labels=labels,
            severity="critical",
            message="CPU",
            value=85.0,
            threshold=80.0,
            expr="cpu_usage > 80",
            for_ms=MINUTE,
            shadow=shadow,
            fired_at=AT + MINUTE if number > 1 else None,
            evidence=evidence,
        )
        for number, (state, previous, after) in enumerate(steps, 1)
    ]


async def test_what_was_sent_about_an_alert_and_what_was_held_back(site: Site) -> None:
    first, second = events("Digest"), events("Digested")
    for event in (*first, *second):
        message = received(ALERT_EVENTS, site._next(), event, event.alert_id, accepted_ms=event.instant + 80)
        await site.rig.store(batch_of([message]))
    told = [
        {"alert_id": one.alert_id, "event_id": one.id, "episode": one.episode, "transition": one.transition}
        | {"status": "firing"}
        for one in (first[1], second[1])
    ]
    fields: dict[str, Any] = {
        "event_id": first[1].id,
        "alert_id": first[1].alert_id,
        "receiver": "ops",
        "channel": "whatsapp",
    }
    fields |= {"destination": "ops/whatsapp/0/ani", "occasion": "digest", "alerts": told, "at": AT}
    for id, state, muted_by in (("m", "planned", ["quiet-hours"]), ("n", "planned", []), ("n", "sent", [])):
        step = Notification.model_validate(fields | {"id": id, "state": state, "muted_by": muted_by})
        again = [received(NOTIFICATIONS, site._next(), step, id) for _ in range(2)]
        await site.rig.store(batch_of(again))
    for events_of in (first, second):
        alert = events_of[0].alert_id
        answer = (await site.api.get(f"/api/monitoring/alerts/{alert}/notifications")).body
        assert answer["total"] == 3, "each step once, for each alert"
        assert sorted((one["state"], one["muted_by"]) for one in answer["steps"]) == [
            ("planned", []),
            ("planned", ["quiet-hours"]),
            ("sent", []),
        ]
        one = answer["steps"][0]
        assert (one["event_id"], one["episode"], one["transition"]) == (events_of[1].id, episode_id(alert, AT), 2)
        assert (one["destination"], one["occasion"], one["told"]) == ("ops/whatsapp/0/ani", "digest", "firing")
        other = await site.api.get(f"/api/monitoring/alerts/{episode_id(alert, AT + 1)}/notifications")
        assert other.body["steps"] == []
        shown = (await site.api.get(f"/api/monitoring/alerts/{alert}")).body["transitions"][1]["deliveries"]
        assert {one["occasion"] for one in shown} == {"digest"}


async def test_what_a_silence_would_have_muted_in_the_last_day(site: Site) -> None:
    past = events("Yesterday")
    for event in past:
        recent = event.model_copy(update={"instant": clock.now_ms() - HOUR, "fired_at": clock.now_ms() - HOUR})
        message = received(ALERT_EVENTS, site._next(), recent, recent.alert_id, accepted_ms=recent.instant)
        await site.rig.store(batch_of([message]))
    matchers = [{"name": name, "value": value} for name, value in past[0].labels.items()]
    answer = (await site.api.ask("POST", "/api/monitoring/silences/preview", json={"matchers": matchers})).body
    assert (answer["total"], answer["past_day"]["total"]) == (0, 1)
    assert answer["past_day"]["alerts"][0]["alert_id"] == past[0].alert_id


async def test_an_alert_with_its_evidence_and_what_was_sent_in_one_timeline(site: Site) -> None:
    told = events("Detail")
    for event in told:
        message = received(ALERT_EVENTS, site._next(), event, event.alert_id, accepted_ms=event.instant + 80)
        await site.rig.store(batch_of([message]))
    delivery = "d-oncall"
    for state, attempt, at in (("planned", 0, 90), ("failed", 1, 200), ("sent", 2, 900)):
        step = Notification.model_validate(
            {
                "id": delivery,
                "event_id": told[1].id,
                "alert_id": told[1].alert_id,
                "receiver": "oncall",
                "channel": "webhook",
                "state": state,
                "attempt": attempt,
                "at": told[1].instant + at,
                "reason": "503" if state == "failed" else None,
            }
        )
        await site.rig.store(batch_of([received(NOTIFICATIONS, site._next(), step, delivery)]))
    alert = told[0].alert_id
    answer = (await site.api.get(f"/api/monitoring/alerts/{episode_id(alert, AT)}")).body
    assert (await site.api.get(f"/api/monitoring/alerts/{alert}")).body == answer
    assert (answer["source"], answer["note"], answer["alert"]["status"]) == ("history", None, "resolved")
    assert answer["rule"] == {
        "group": "cpu",
        "name": "Detail",
        "expr": "cpu_usage > 80",
        "rule_version": "v",
        "group_version": 3,
        "now": "gone",
    }
    assert [one["state"] for one in answer["transitions"]] == ["pending", "firing", "resolved"]
    firing = answer["transitions"][1]
    assert (firing["value"], firing["threshold"], firing["shadow"], firing["late_ms"]) == (85.0, 80.0, False, 0)
    (series,) = firing["evidence"]["series"]
    assert (series["series"], series["partition"], series["offset"]) == ('cpu_usage{host="web-1"}', 2, 7)
    assert series["samples"] == [{"time": instant_to_text(AT), "value": 85.0, "late": False}]
    assert [(one["state"], one["attempt"], one["reason"]) for one in firing["deliveries"]] == [
        ("planned", 0, None),
        ("failed", 1, "503"),
        ("sent", 2, None),
    ]
    of_firing = [(one["what"], one["at"]) for one in answer["timeline"] if one["transition"] == 2]
    fired = AT + MINUTE
    assert of_firing == [
        (what, instant_to_text(at))
        for what, at in (
            ("taken", AT),
            ("accepted", AT + 40),
            ("instant", fired),
            ("decided", fired + 60),
            ("told", fired + 80),
            ("planned", fired + 90),
            ("failed", fired + 200),
            ("sent", fired + 900),
        )
    ]
    assert answer["timeline"] == sorted(answer["timeline"], key=lambda one: one["at"])


async def test_an_alert_that_there_is_not(site: Site) -> None:
    for one in ("0" * 32, f"{'a' * 32}-{AT}", f"{'a' * 32}-{10**13}"):
        assert is_problem(await site.api.get(f"/api/monitoring/alerts/{one}"), 404)
    for one in ("x", "explains", "A" * 32, f"{'a' * 32}-", f"{'a' * 32}-1-2"):
        assert is_problem(await site.api.get(f"/api/monitoring/alerts/{one}"), 422)


async def test_explain_says_what_alerting_told_live(site: Site) -> None:
    name = "Told"
    await site.published(group("cpu", high_cpu(name)))
    for event in events(name, shadow=True):
        await site.rig.store(batch_of([received(ALERT_EVENTS, site._next(), event, event.alert_id)]))
    for minute, count in ((0, 0), (1, 1), (4, 1), (5, 0)):
        ask = {"rule": name, "group": "cpu", "at": instant_to_text(AT + minute * MINUTE)}
        answer = (await site.api.get(EXPLAIN, params=ask)).body
        assert (len(answer["told"]), answer["total_told"]) == (count, count), minute
        assert all(one["shadow"] and one["fired_at"] == instant_to_text(AT + MINUTE) for one in answer["told"])


async def test_alerts_of_shadow_rules_are_listed_when_asked_for(site: Site) -> None:
    past, active = events("ShadowPast", shadow=True), events("ShadowActive", shadow=True)[1]
    for event in past:
        await site.rig.store(batch_of([received(ALERT_EVENTS, site._next(), event, event.alert_id)]))
    state = CurrentAlert(
        **active.model_dump(include={*CurrentAlert.model_fields}), since=active.instant, last_event_id=active.id,
        last_transition=active.transition,
    )  # fmt: skip
    await site.producer.send(Outgoing(ALERT_STATE, state.alert_id, state))

    async def names(**query: str) -> set[str]:
        body = (await site.api.get("/api/monitoring/alerts", params={"limit": "1000"} | query)).body
        assert all(one["shadow"] == one["name"].startswith("Shadow") or one["name"] == "Told" for one in body)
        return {one["name"] for one in body} & {"ShadowPast", "ShadowActive", "Detail"}

    async def listed() -> bool:
        return "ShadowActive" in await names(shadow="true")

    await eventually(listed)
    assert await names(shadow="true") == {"ShadowPast", "ShadowActive"}
    assert await names(shadow="true", status="active") == {"ShadowActive"}
    assert await names(shadow="true", status="resolved") == {"ShadowPast"}
    assert await names(shadow="all") >= {"ShadowPast", "ShadowActive"}
    assert not await names() & {"ShadowPast", "ShadowActive"}
    assert not await names(status="active") & {"ShadowPast", "ShadowActive"}


async def test_while_the_database_is_away_an_alert_is_told_as_the_bus_told_it(
    site: Site, tmp_path: Path, topics: str
) -> None:
    (closed,) = ports.free()
    nowhere = f"postgresql://nobody:nothing@127.0.0.1:{closed}/nothing"
    known_before, seen = events("StateAlone")[1], events("SeenAway")
    state = CurrentAlert(
        **known_before.model_dump(include={*CurrentAlert.model_fields}), since=known_before.instant,
        last_event_id=known_before.id, last_transition=known_before.transition,
    )  # fmt: skip
    await site.producer.send(Outgoing(ALERT_STATE, state.alert_id, state))
    async with running_api(tmp_path, topics, nowhere, site.api.tokens) as api:
        await api.known()
        for event in seen[:2]:
            await site.producer.send(Outgoing(ALERT_EVENTS, event.alert_id, event))

        async def told() -> Any:
            answer = await api.get(f"/api/monitoring/alerts/{seen[0].alert_id}")
            return answer.body if answer.status == 200 and len(answer.body["transitions"]) == 2 else None

        answer = await eventually(told)
        assert (answer["source"], answer["alert"]["status"]) == ("bus", "firing")
        assert "database" in answer["note"]
        assert answer["transitions"][1]["evidence"]["series"][0]["samples"][0]["value"] == 85.0
        alone = (await api.get(f"/api/monitoring/alerts/{episode_id(state.alert_id, AT)}")).body
        assert (alone["source"], alone["transitions"], alone["alert"]["value"]) == ("bus", [], 85.0)
        assert is_problem(await api.get(f"/api/monitoring/alerts/{'0' * 32}"), 503)
        assert is_problem(await api.get(EXPLAIN, params={"rule": "Told", "group": "cpu"}), 503)
