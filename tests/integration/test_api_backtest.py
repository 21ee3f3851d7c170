"""Rules tried on history over HTTP: streamed, bounded, ended when nobody listens. On a real Kafka and PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from shared.bus import Outgoing, Producer
from shared.messages.message import instant_to_text
from shared.messages.topics import RULES
from shared.rules.files import parse_rule_file
from tests.conftest import eventually
from tests.integration.api_process import Answer, Api, is_problem, make_tokens, new_database, running_api
from tests.integration.stored_samples import store, store_signs

BACKTEST = "/api/monitoring/alerts/rules/backtest"
STEP = 15_000
START = 1_790_000_100_000
COUNT = 240
END = START + (COUNT - 1) * STEP
RULE = {"alert": "High", "expr": "load > 5", "for": "30s", "severity": "critical", "message": "{{ $labels.host }}"}
GROUP: dict[str, Any] = {
    "name": "tried",
    "interval": "15s",
    "rules": [RULE],
}


def load(host: int, place: int) -> float:
    """Above 5 for a while in each turn, later for each host."""
    return 9.0 if host <= place % 60 < host + 10 else 1.0


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    dsn = new_database(postgres_dsn)
    hosts = {f'load{{host="h{host}"}}': host for host in range(5)}
    store(
        dsn, {key: [(START + place * STEP, load(host, place)) for place in range(COUNT)] for key, host in hosts.items()}
    )
    # Recorded live by a rule that is in force; always far too high.
    store(dsn, {"load:double": [(START + place * STEP, 100.0) for place in range(-4, COUNT)]})
    store(dsn, {f'many{{n="{n}"}}': [(START + n * 10, 1.0)] for n in range(2_000)})
    store_signs(dsn, range(START - 60_000, END + 1, 60_000), END)
    return dsn


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str, dsn: str) -> AsyncIterator[Api]:
    limits = {"AT_ONCE": "2", "MOST_SAMPLES": "3000", "MOST_TRANSITIONS": "100", "MOST_DAYS": "2", "MOST_SECONDS": "30"}
    settings = {f"PANTAU_API__BACKTEST__{name}": value for name, value in limits.items()}
    async with running_api(tmp_path_factory.mktemp("api"), topics, dsn, make_tokens(dsn), **settings) as api:
        await api.known()
        yield api


def asked(**fields: Any) -> dict[str, Any]:
    return {"start": instant_to_text(START), "end": instant_to_text(END)} | (fields or {"group": GROUP})


def with_rule(**fields: Any) -> dict[str, Any]:
    """The group with its rule changed."""
    return GROUP | {"rules": [RULE | fields]}


async def lines_of(api: Api, body: dict[str, Any]) -> dict[str, list[Any]]:
    """The lines of an answer by kind, in their order."""
    answer = await api.ask("POST", BACKTEST, "operator", json=body)
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    found: dict[str, list[Any]] = {}
    assert answer.text.splitlines()[-1].startswith('{"summary":'), answer.text[-1_000:]
    for line in answer.text.splitlines():
        ((kind, told),) = json.loads(line).items()
        found.setdefault(kind, []).append(told)
    return found


async def test_transitions_and_notifications_are_told(api: Api) -> None:
    found = await lines_of(api, asked())
    assert found["progress"][0]["of"] == END - START
    # Four turns for each of five hosts; each is pending, fires 30 s later, is over 10 steps after it began.
    states = [one["state"] for one in found["transition"]]
    assert {state: states.count(state) for state in states} == {"pending": 20, "firing": 20, "resolved": 20}
    first = [one for one in found["transition"] if one["labels"]["host"] == "h0"][:3]
    assert [(one["state"], one["previous_state"]) for one in first] == [
        ("pending", "inactive"), ("firing", "pending"), ("resolved", "firing"),
    ]  # fmt: skip
    assert [one["instant"] for one in first] == [instant_to_text(START + n * STEP) for n in (0, 2, 10)]
    assert first[1]["labels"] == {"alertname": "High", "host": "h0", "severity": "critical"}
    assert (first[1]["message"], first[1]["value"], "evidence" in first[1]) == ("h0", 9.0, False)
    assert [one["kind"] for one in found["notification"]].count("firing") == 20
    (summary,) = found["summary"]
    assert summary["transitions"] == {"pending": 20, "firing": 20, "resolved": 20, "inactive": 0}
    assert summary["notifications"] == {"firing": 20, "resolved": 20, "deferred": 0}
    assert (summary["evaluations"], summary["unknown_instants"], summary["failures"]) == (COUNT, 0, 0)
    assert (summary["series"], summary["samples"]) == (5, 5 * COUNT)
    assert (summary["complete"], summary["history_until"]) == (True, instant_to_text(END))


async def test_evidence_comes_where_it_is_asked_for(api: Api) -> None:
    found = await lines_of(api, asked(group=GROUP, evidence=True))
    fired = next(one for one in found["transition"] if one["state"] == "firing")
    assert [one["series"] for one in fired["evidence"]["series"]] == [f'load{{host="{fired["labels"]["host"]}"}}']


async def test_a_small_rule_a_file_and_a_group_in_force_are_tried(api: Api, producer: Producer) -> None:
    small = {"name": "Small", "condition": "load > 5", "severity": "warning", "message": "m"}
    found = await lines_of(api, asked(rule=small))
    assert found["summary"][0]["notifications"]["firing"] == 20
    text = "groups:\n- name: file\n  rules:\n  - {alert: A, expr: load > 5, shadow: true}\n"
    found = await lines_of(api, asked(file=text))
    assert found["summary"][0]["transitions"]["firing"] == 20
    assert "notification" not in found
    (draft,) = parse_rule_file(text.replace("name: file", "name: in force").replace("alert: A", "alert: B"), "f")
    await producer.send(Outgoing(RULES, draft.name, draft.group(1, "me", START)))

    async def known() -> bool:
        return (await api.ask("POST", BACKTEST, "operator", json=asked(name="in force"))).status == 200

    await eventually(known)
    found = await lines_of(api, asked(name="in force"))
    assert {one["rule"] for one in found["transition"]} == {"B"}


async def test_a_changed_group_is_compared_with_the_one_in_force(api: Api, producer: Producer) -> None:
    (draft,) = parse_rule_file(json.dumps({"groups": [GROUP | {"name": "compared"}]}), "f")
    await producer.send(Outgoing(RULES, draft.name, draft.group(1, "me", START)))
    changed = with_rule(**{"for": "60s"}) | {"name": "compared"}

    async def known() -> bool:
        return (await api.ask("POST", BACKTEST, "operator", json=asked(group=changed, compare=True))).status == 200

    await eventually(known)
    found = await lines_of(api, asked(group=changed, compare=True))
    assert found["progress"][0]["of"] == 2 * (END - START)
    assert {(one["kind"], one["starts_by_seconds"], one["lasts_by_seconds"]) for one in found["change"]} == {
        ("changed", 30.0, -30.0)
    }
    comparison = found["summary"][0]["comparison"]
    assert (comparison["later"], comparison["shorter"], comparison["new"], comparison["gone"]) == (20, 20, 0, 0)
    assert comparison["current_notifications"] == comparison["changed_notifications"]
    against = with_rule(alert="Other", expr='load{host="h0"} > 5')
    found = await lines_of(api, asked(group=against, against="compared"))
    comparison = found["summary"][0]["comparison"]
    assert (comparison["unchanged"], comparison["gone"], comparison["new"]) == (4, 16, 0)
    same = await lines_of(api, asked(name="compared", compare=True))
    assert {one["kind"] for one in same["change"]} == {"unchanged"}


async def test_what_a_rule_under_trial_recorded_live_is_not_taken_for_what_it_makes(api: Api) -> None:
    group: dict[str, Any] = {
        "name": "recorded",
        "rules": [
            {"record": "load:double", "expr": "sum(load) * 2"},
            {"alert": "TooHigh", "expr": "load:double > 99"},
            {"alert": "Doubled", "expr": "load:double > 11"},
        ],
    }
    found = await lines_of(api, asked(group=group))
    assert {one["rule"] for one in found["transition"]} == {"Doubled"}
    # Where the recording rule is not part of the request, what it made live counts.
    found = await lines_of(api, asked(group=group | {"rules": group["rules"][1:]}))
    assert {one["rule"] for one in found["transition"]} == {"TooHigh", "Doubled"}


@pytest.mark.parametrize(("offset", "after"), [("", 0), (" offset 30s", 30_000), (" offset 2h", None)])
async def test_an_immediate_group_is_tried_on_arrival(api: Api, offset: str, after: int | None) -> None:
    """Its grid is far too wide to see anything."""
    group = {"name": "quick", "interval": "1d", "immediate": True}
    rules = [{"alert": "High", "expr": f'load{{host="h0"}}{offset} > 5'}]
    found = await lines_of(api, asked(group=group | {"rules": rules}))
    told = [(one["instant"], one["state"]) for one in found.get("transition", [])][:2]
    instants = [] if after is None else [START + after, START + after + 10 * STEP]
    assert [at for at, _ in told] == [instant_to_text(at) for at in instants]
    assert found["summary"][0]["evaluations"] == COUNT


async def test_nothing_is_concluded_from_a_time_without_collectors(api: Api) -> None:
    dark = START - 3_600_000
    body = {"start": instant_to_text(dark), "end": instant_to_text(dark + 600_000)}
    group = {"name": "dark", "rules": [{"alert": "Gone", "expr": "absent(load)"}]}
    found = await lines_of(api, body | {"group": group})
    assert found["summary"][0]["unknown_instants"] == 41
    assert "transition" not in found


async def test_a_rule_that_fails_is_told(api: Api) -> None:
    group: dict[str, Any] = {
        "name": "failing",
        "rules": [{"alert": "Many", "expr": 'load / on () load{host="h0"} > 0'}],
    }
    group["rules"].append({"alert": "Clash", "expr": "label_replace(load, 'host', 'x', '', '') > 0"})
    found = await lines_of(api, asked(group=group))
    assert {one["rule"]: one["count"] for one in found["failure"]} == {"Many": COUNT, "Clash": COUNT}
    assert found["summary"][0]["failures"] == 2


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (
            {"group": {"name": "g", "rules": [{"alert": "A", "expr": "x >"}]}},
            422,
            "body.group.rules[0]: rule 'A': expr",
        ),
        ({"group": {"name": "g", "rules": [{"alert": "A", "expr": "x", "fro": "1m"}]}}, 422, "unknown field 'fro'"),
        ({"file": "groups:\n- name: g\n  rules:\n  - {alert: A}\n"}, 422, "file:4: an alerting rule needs"),
        ({"file": "groups: []"}, 422, "no rules"),
        ({"group": GROUP, "name": "g"}, 422, "one of group, rule, file and name"),
        ({}, 422, "one of group, rule, file and name"),
        ({"name": "nobody"}, 404, "no group 'nobody' in force"),
        ({"group": GROUP | {"name": "nobody"}, "compare": True}, 404, "no group 'nobody' in force to compare"),
        ({"group": GROUP, "end": instant_to_text(START)}, 422, "end must be later"),
        (
            {"file": "groups:\n- {name: g, rules: [{record: a, expr: b}]}\n- {name: h, rules: [{record: b, expr: a}]}"},
            422,
            "roups read each other's outputs: h -> g -> h",
        ),
        ({"group": GROUP, "end": instant_to_text(START + 3 * 86_400_000)}, 422, "more than 2 days"),
        ({"group": with_rule(expr="load or many or load:double")}, 422, "reads more than 3000 stored samples"),
    ],
)
async def test_what_can_not_be_run_is_refused(api: Api, body: dict[str, Any], status: int, where: str) -> None:
    body = {"start": instant_to_text(START), "end": instant_to_text(END)} | body
    answer = await api.ask("POST", BACKTEST, "operator", json=body)
    assert is_problem(answer, status)
    assert where in answer.body["detail"]


async def test_a_viewer_may_not(api: Api) -> None:
    assert is_problem(await api.ask("POST", BACKTEST, "viewer", json=asked()), 403)


async def running(api: Api) -> float:
    return await api.counter("pantau_api_backtests_running")


def endless() -> dict[str, Any]:
    """Two days, one step at a time: it takes far longer than any test waits."""
    rules = [{"record": f"r{n}", "expr": f"r{n} offset -1m or load"} for n in range(50)]
    end = instant_to_text(START + 2 * 86_400_000)
    return asked(group={"name": "endless", "interval": "1s", "rules": rules}) | {"end": end}


async def test_who_leaves_ends_it_and_no_more_than_allowed_run_at_once(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.tokens['operator']}"}
    streams: list[aiohttp.ClientResponse] = []
    for _ in range(2):
        stream = await api.session.post(api.url + BACKTEST, json=endless(), headers=headers)
        assert stream.status == 200
        assert b"progress" in await stream.content.readline()
        streams.append(stream)
    assert await running(api) == 2
    refused = await api.ask("POST", BACKTEST, "operator", json=asked())
    assert is_problem(refused, 429)
    assert int(refused.headers["retry-after"]) > 0
    for stream in streams:
        stream.close()

    async def none_left() -> bool:
        return await running(api) == 0

    await eventually(none_left)
    assert "summary" in await lines_of(api, asked())


async def test_api_answers_others_meanwhile(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.tokens['operator']}"}
    async with api.session.post(api.url + BACKTEST, json=endless(), headers=headers) as stream:
        await stream.content.readline()
        for _ in range(20):
            assert (await api.get("/health/ready", None)).status == 200
            assert (await api.get("/api/monitoring/alerts/rules")).status == 200
        assert await running(api) == 1


async def test_too_many_transitions_are_refused(api: Api) -> None:
    group = with_rule(**{"for": "0s", "expr": "load > 5"}) | {"name": "t"}
    group["rules"] = [group["rules"][0] | {"alert": f"A{n}"} for n in range(4)]
    answer = await api.ask("POST", BACKTEST, "operator", json=asked(group=group))
    last = json.loads(answer.text.splitlines()[-1])
    assert last["error"]["status"] == 422
    assert "more than 100 transitions" in last["error"]["detail"]
    assert "summary" not in answer.text


def reason(answer: Answer) -> str:
    """Why it was refused, or broke off, by one of its limits."""
    if answer.status != 200:
        assert answer.status == 422
        return str(answer.body["detail"])
    error = json.loads(answer.text.splitlines()[-1])["error"]
    assert error["status"] == 422
    return str(error["detail"])


async def test_time_and_memory_are_bounded(
    tmp_path_factory: pytest.TempPathFactory, topics: str, dsn: str, api: Api
) -> None:
    settings = {"PANTAU_API__BACKTEST__MOST_SECONDS": "5", "PANTAU_API__BACKTEST__MOST_MEGABYTES": "256"}
    async with running_api(tmp_path_factory.mktemp("bounded"), topics, dsn, api.tokens, **settings) as other:
        await other.known()
        answer = await other.ask("POST", BACKTEST, "operator", json=endless())
        assert "longer than the 5 s" in reason(answer)
        group = with_rule(expr="max_over_time(many[1d:1s]) > 5")
        answer = await other.ask("POST", BACKTEST, "operator", json=asked(group=group))
        assert "more than the 256 MB" in reason(answer)


async def test_it_ends_when_api_stops(
    tmp_path_factory: pytest.TempPathFactory, topics: str, dsn: str, api: Api
) -> None:
    async with running_api(tmp_path_factory.mktemp("stopped"), topics, dsn, api.tokens) as other:
        await other.known()
        headers = {"Authorization": f"Bearer {api.tokens['operator']}"}
        async with other.session.post(other.url + BACKTEST, json=endless(), headers=headers) as stream:
            await stream.content.readline()
            other.process.terminate()
            rest = await asyncio.wait_for(stream.content.read(), 30)
        assert "api is stopping" in json.loads(rest.splitlines()[-1])["error"]["detail"]
