"""PromQL over history through Prometheus' API, and the commands that ask the api. On a real Kafka and PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.cli import app
from shared.messages.message import instant_to_text
from tests.integration.api_process import Api, make_tokens, new_database, running_api
from tests.integration.stored_samples import store, store_signs

QUERY, RANGE = "/api/v1/query", "/api/v1/query_range"
START = 1_790_000_100_000
STEP = 15_000
END = START + 100 * STEP
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    dsn = new_database(postgres_dsn)
    series = {f'm{{host="h{host}"}}': host for host in range(3)}
    store(dsn, {key: [(START + place * STEP, float(place * 10**host)) for place in range(101)]
                for key, host in series.items()})  # fmt: skip
    store(dsn, {f'many{{n="{n}"}}': [(START, 1.0)] for n in range(150)})
    store_signs(dsn, range(START - 60_000, END + 1, 60_000), END)
    return dsn


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str, dsn: str) -> AsyncIterator[Api]:
    settings = {"PANTAU_API__QUERY__MOST_SERIES": "100", "PANTAU_API__QUERY__MOST_VALUES": "1000"}
    async with running_api(tmp_path_factory.mktemp("api"), topics, dsn, make_tokens(dsn), **settings) as api:
        await api.known()
        yield api


async def test_an_instant_is_answered_from_history(api: Api) -> None:
    parameters = {"query": 'm{host!="h2"}', "time": str(END / 1000)}
    answer = await api.get(QUERY, "viewer", params=parameters)
    assert answer.status == 200
    assert answer.body == {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [
                {"metric": {"__name__": "m", "host": "h0"}, "value": [END / 1000, "100"]},
                {"metric": {"__name__": "m", "host": "h1"}, "value": [END / 1000, "1000"]},
            ],
        },
    }
    # A range function reads further back; the same as a form, also with the rest of the parameters in the URL.
    rate = {"query": "round(sum(rate(m[1m])), 0.1)", "time": instant_to_text(END)}
    expected = (await api.get(QUERY, params=rate)).body
    assert expected["data"]["result"][0]["value"][1] == "7.4"
    assert (await api.ask("POST", QUERY, "viewer", data=rate)).body == expected
    mixed = await api.ask("POST", f"{QUERY}?time={END / 1000}", data={"query": rate["query"]})
    assert mixed.body == expected


async def test_a_range_is_answered_step_by_step(api: Api) -> None:
    parameters = {
        "query": 'm{host="h1"} > 20',
        "start": str(START / 1000),
        "end": str(START / 1000 + 60),
        "step": "15s",
    }
    answer = await api.get(RANGE, params=parameters)
    (series,) = answer.body["data"]["result"]
    assert answer.body["data"]["resultType"] == "matrix"
    assert series["values"] == [[START / 1000 + 45, "30"], [START / 1000 + 60, "40"]]
    assert (await api.ask("POST", RANGE, data=parameters)).body == answer.body


async def test_an_answer_that_is_too_long_is_refused(api: Api) -> None:
    parameters = {"query": "m", "start": str(START / 1000), "end": str(END / 1000), "step": "1"}
    answer = await api.get(RANGE, params=parameters)
    assert (answer.status, answer.body["errorType"]) == (422, "execution")
    assert "its answer has 4503 values, at most 1000" in answer.body["error"]


@pytest.mark.parametrize(
    ("parameters", "status", "kind", "reason"),
    [
        ({}, 400, "bad_data", 'invalid parameter "query"'),
        ({"query": "m >"}, 400, "bad_data", 'invalid parameter "query"'),
        ({"query": "m", "time": "noon"}, 400, "bad_data", 'invalid parameter "time"'),
        ({"query": "m + on () many"}, 422, "execution", "more than 100 stored series"),
        ({"query": 'm * on () m{host!="h0"}', "time": str(END / 1000)}, 422, "execution", "many"),
        ({"query": "m", "timeout": "0.000001"}, 503, "timeout", "deadline"),
    ],
)
async def test_errors_have_prometheus_form(
    api: Api, parameters: dict[str, str], status: int, kind: str, reason: str
) -> None:
    answer = await api.get(QUERY, params=parameters)
    assert (answer.status, answer.body["status"], answer.body["errorType"]) == (status, "error", kind), answer.text
    assert reason in answer.body["error"]
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_a_body_that_is_no_form_is_refused(api: Api) -> None:
    assert (await api.ask("POST", QUERY, json={"query": "m"})).status == 415
    assert (await api.ask("POST", QUERY, data=b"query=%ff", headers=FORM)).status == 400


# The commands


def run(api: Api, *arguments: str, role: str = "operator", url: str | None = None) -> Result:
    environment = {"PANTAU_URL": url or api.url, "PANTAU_TOKEN": api.tokens[role], "COLUMNS": "200"}
    return CliRunner().invoke(app, list(arguments), env=environment)


async def in_a_thread(api: Api, *arguments: str, **named: Any) -> Result:
    return await asyncio.to_thread(run, api, *arguments, **named)


async def test_query_on_the_command_line(api: Api) -> None:
    found = await in_a_thread(api, "query", "m", "--at", str(END / 1000), role="viewer")
    assert found.exit_code == 0, found.output
    assert 'm{host="h1"}' in found.output
    assert "1000" in found.output
    span = ("--start", str(START / 1000), "--end", instant_to_text(START + STEP), "--step", "15")
    found = await in_a_thread(api, "query", "sum(m)", *span)
    assert f"{instant_to_text(START + STEP)}  111" in found.output
    found = await in_a_thread(api, "query", "m", "--at", str(END / 1000), "--json")
    assert len(json.loads(found.output)["data"]["result"]) == 3
    assert (await in_a_thread(api, "query", "2 * 3")).output.strip() == "6"
    found = await in_a_thread(api, "query", "m >")
    assert (found.exit_code, "not PromQL" in found.output) == (1, True), found.output


RULES = "groups:\n- name: tried\n  interval: 15s\n  rules:\n  - {alert: High, expr: 'm{host=\"h0\"} > 20', for: 30s}\n"


async def test_backtest_on_the_command_line(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    span = ("--start", instant_to_text(START), "--end", instant_to_text(END))
    found = await in_a_thread(api, "rules", "backtest", str(file), *span)
    assert found.exit_code == 0, found.output
    assert "High" in found.output
    assert "host=h0" in found.output
    assert "1 times an alert fired, 0 times it was resolved; 1 notifications" in found.output
    found = await in_a_thread(api, "rules", "backtest", str(file), "--json", *span)
    kinds = [next(iter(json.loads(line))) for line in found.stdout.splitlines()]
    assert kinds[-1] == "summary"
    assert kinds.count("transition") == 2
    found = await in_a_thread(api, "rules", "backtest", str(file), "--compare", *span)
    assert (found.exit_code, "no group 'tried' in force" in found.output) == (1, True)


async def test_a_small_rule_in_force_is_compared_on_the_command_line(api: Api, tmp_path: Path) -> None:
    answer = await api.post_rule(name="Much", condition='m{host="h0"} > 90')
    assert answer.status == 201, answer.text
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n- {name: Much, condition: 'm{host=\"h0\"} > 80', severity: warning, message: m}\n")
    span = ("--start", instant_to_text(START), "--end", instant_to_text(END))
    found = await in_a_thread(api, "rules", "backtest", str(file), "--compare", *span)
    assert found.exit_code == 0, found.output
    assert "Against the rules in force: 1 earlier, 1 longer." in found.output
    found = await in_a_thread(api, "rules", "backtest", "--name", "Much", *span)
    assert "1 times an alert fired" in found.output


async def test_what_is_wrong_is_told_with_its_place(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("> 20", ">"))
    found = await in_a_thread(api, "rules", "backtest", str(file))
    assert (found.exit_code, f"{file}:5: rule 'High'" in found.output) == (1, True), found.output
    file.write_text(RULES.replace('m{host="h0"}', "m + on () m"))
    span = ("--start", instant_to_text(START), "--end", instant_to_text(END))
    found = await in_a_thread(api, "rules", "backtest", str(file), *span)
    assert (found.exit_code, "tried/High failed 101 times" in found.output) == (1, True), found.output
    assert (await in_a_thread(api, "rules", "backtest")).exit_code == 2
    assert (await in_a_thread(api, "rules", "backtest", str(file), "--start", "noon")).exit_code == 2
    found = await in_a_thread(api, "query", "m", url="http://127.0.0.1:1")
    assert (found.exit_code, "does not answer" in found.output) == (1, True)
    assert (await in_a_thread(api, "rules", "backtest", str(file), *span, role="viewer")).exit_code == 1
