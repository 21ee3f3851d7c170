"""Rules over HTTP: small ones, groups and files. On a real Kafka and PostgreSQL."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import yaml

from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.rules import GroupStatus, RuleGroup, RuleProblem
from shared.messages.topics import AUDIT, RULES, RULES_STATUS
from tests.conftest import eventually
from tests.integration.api_process import Answer, Api, is_problem, make_tokens, new_database, running_api
from tests.integration.programs import records

ALL_RULES = "/api/monitoring/alerts/rules"
FROM_FILE = "from a file"


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    return new_database(postgres_dsn)


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str, dsn: str) -> AsyncIterator[Api]:
    directory = tmp_path_factory.mktemp("api")
    rules = directory / "rules.yaml"
    rules.write_text(f"groups: [{{name: {FROM_FILE}, rules: [{{alert: FromFile, expr: m > 1}}]}}]")
    files = {"PANTAU_API__RULE_FILES": json.dumps([str(rules)])}
    async with running_api(directory, topics, dsn, make_tokens(dsn), **files) as api:
        await api.known()
        yield api


def new_name() -> str:
    return f"group_{uuid.uuid4().hex[:12]}"


def rule(expr: str = "m > 1", **fields: Any) -> dict[str, Any]:
    return {"alert": "High", "expr": expr} | fields


async def post(api: Api, body: Any) -> Answer:
    return await api.ask("POST", ALL_RULES, "operator", json=body)


async def put(api: Api, name: str, body: Any, if_match: str | None = None) -> Answer:
    headers = {} if if_match is None else {"If-Match": if_match}
    return await api.ask("PUT", f"{ALL_RULES}/{name}", "operator", json=body, headers=headers)


async def post_text(api: Api, text: str) -> Answer:
    headers = {"Content-Type": "application/yaml"}
    return await api.ask("POST", ALL_RULES, "operator", data=text, headers=headers)


# Small rules


async def test_a_rule_is_on_the_bus_and_in_the_list_when_it_is_created(api: Api, topics: str, dsn: str) -> None:
    name = f"rule_{uuid.uuid4().hex}"

    created = await api.post_rule(name=name, condition="custom_metric > 100", cooldown=60_000)

    assert created.status == 201, created.text
    assert created.body["published"] is True
    assert (created.body["group"], created.body["version"]) == (name, 1)
    assert created.body["expr"] == "custom_metric > 100"
    (message,) = [one for one in await records(topics, RULES) if one.key == name.encode()]
    group = RuleGroup.decode(message.value or b"")
    assert (group.version, group.origin, group.immediate) == (1, "api", True)
    assert group.rules[0].name == name
    listed = (await api.get(ALL_RULES, "viewer")).body
    assert [one["rules"][0]["cooldown"] for one in listed if one["name"] == name] == [60_000]
    with psycopg.connect(dsn) as connection:
        audit = connection.execute(
            "SELECT actor, action, address FROM audit_log WHERE subject = %s", (f"rule/{name}",)
        ).fetchall()
    assert audit == [("test-operator", "rule.create", "127.0.0.1")]
    assert [one for one in await records(topics, AUDIT) if one.key == f"rule/{name}".encode()]


async def test_the_same_rule_again_is_no_change_and_another_is_refused(api: Api, topics: str) -> None:
    name = f"rule_{uuid.uuid4().hex}"
    await api.post_rule(name=name)

    again = await api.post_rule(name=name)
    other = await api.post_rule(name=name, condition="custom_metric > 101")

    assert (again.status, again.body["version"]) == (200, 1)
    assert is_problem(other, 409)
    assert len([one for one in await records(topics, RULES) if one.key == name.encode()]) == 1


async def test_of_many_who_create_a_name_at_once_one_does(api: Api) -> None:
    name = f"rule_{uuid.uuid4().hex}"
    answers = await asyncio.gather(*(api.post_rule(name=name, condition=f"m > {n}") for n in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


async def test_a_deleted_rule_is_gone_and_comes_back_with_the_next_version(api: Api, topics: str) -> None:
    name = f"rule/{uuid.uuid4().hex}"
    assert (await api.post_rule(name=name)).status == 201

    deleted = await api.ask("DELETE", f"{ALL_RULES}/{name}", "operator")

    assert deleted.status == 204
    assert name not in {one["name"] for one in (await api.get(ALL_RULES)).body}
    assert is_problem(await api.ask("DELETE", f"{ALL_RULES}/{name}", "operator"), 404)
    again = await api.post_rule(name=name)
    assert (again.status, again.body["version"]) == (201, 3)
    values = [one.value for one in await records(topics, RULES) if one.key == name.encode()]
    assert [value is None for value in values] == [False, True, False]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"condition": "no such thing"}, "body"),
        ({"condition": "a.b > 1"}, "body"),
        ({"condition": "x > 1", "threshold": 2}, "body"),
        ({"severity": "bad"}, "body.severity"),
        ({"colour": "red"}, "body.colour"),
        ({"name": ""}, "body.name"),
        ({"name": "a\0b"}, "body.name"),
        ({"name": "a/history"}, "body"),
        ({"condition": "a > b", "threshold": 2}, "body"),
        ({"condition": "rate(m[40d]) > 1"}, "body"),
        ({"message": "a\0b"}, "body.message"),
        ({"message": "\ud800"}, "body.message"),
        ({"cooldown": -1}, "body.cooldown"),
    ],
)
async def test_bad_rules(api: Api, change: dict[str, Any], where: str) -> None:
    answer = await api.post_rule(**({"name": f"rule_{uuid.uuid4().hex}"} | change))
    assert is_problem(answer, 422)
    assert answer.body["errors"][0]["where"] == where


# Groups


async def test_a_group_is_created_shown_replaced_and_deleted(api: Api, topics: str) -> None:
    name = new_name()
    full = rule(
        'rate(m{job="a"}[5m]) > 1', labels={"team": "sre"}, severity="critical", cooldown="10m", **{"for": "5m"}
    )
    group = {"name": name, "interval": "30s", "limit": 5, "rules": [full, {"record": "m:sum", "expr": "sum(m)"}]}

    created = await post(api, group)

    assert created.status == 201, created.text
    assert (created.headers["etag"], created.body["version"], created.body["published"]) == ('"1"', 1, True)
    assert created.body["definition"] == group
    shown = await api.get(f"{ALL_RULES}/{name}", "viewer")
    assert (shown.status, shown.headers["etag"]) == (200, '"1"')
    assert shown.body["definition"] == group
    assert (shown.body["interval_seconds"], shown.body["limit"], shown.body["origin"]) == (30, 5, "api")
    alert, record = shown.body["rules"]
    assert (alert["for_seconds"], alert["severity"], alert["cooldown"]) == (300, "critical", 600_000)
    assert (record["kind"], record["name"]) == ("record", "m:sum")

    replaced = await put(api, name, {"rules": [rule("m > 2")]}, created.headers["etag"])

    assert replaced.status == 200, replaced.text
    assert (replaced.headers["etag"], replaced.body["interval_seconds"]) == ('"2"', None)
    assert (await api.get(f"{ALL_RULES}/{name}")).body["rules"][0]["expr"] == "m > 2"
    deleted = await api.ask("DELETE", f"{ALL_RULES}/{name}", "operator", headers={"If-Match": '"2"'})
    assert deleted.status == 204
    assert is_problem(await api.get(f"{ALL_RULES}/{name}"), 404)
    values = [one.value for one in await records(topics, RULES) if one.key == name.encode()]
    assert [value and RuleGroup.decode(value).version for value in values] == [1, 2, None]


async def test_put_makes_what_is_not_there(api: Api) -> None:
    name = f"{new_name()}/with slash"
    made = await put(api, name, {"rules": [rule()]})
    assert (made.status, made.body["name"], made.body["version"]) == (201, name, 1)
    assert is_problem(await put(api, new_name(), {"rules": [], "version": 1}), 404)
    assert is_problem(await put(api, new_name(), {"rules": []}, "*"), 412)


async def test_a_change_names_the_version_that_it_is_about(api: Api) -> None:
    name = new_name()
    await put(api, name, {"rules": [rule("m > 1")]})
    change = {"rules": [rule("m > 2")]}

    unnamed = await put(api, name, change)
    in_body = await put(api, name, change | {"version": 7})
    in_header = await put(api, name, change, '"7"')
    contradicting = await put(api, name, change | {"version": 1}, '"7"')
    nonsense = await put(api, name, change, "1")

    assert is_problem(unnamed, 428)
    assert is_problem(in_body, 409)
    assert is_problem(in_header, 412)
    for answer in (unnamed, in_body, in_header):
        assert "version 1 is in force, by test-operator" in answer.body["detail"]
    assert (in_body.headers["etag"], in_header.headers["etag"]) == ('"1"', '"1"')
    assert is_problem(contradicting, 422)
    assert is_problem(nonsense, 422)
    assert (await api.get(f"{ALL_RULES}/{name}")).body["version"] == 1
    assert (await put(api, name, change | {"version": 1})).body["version"] == 2
    assert (await put(api, name, {"rules": [rule("m > 3")]}, "*")).body["version"] == 3
    assert is_problem(await api.ask("DELETE", f"{ALL_RULES}/{name}", headers={"If-Match": '"2"'}), 412)
    assert is_problem(await api.ask("DELETE", f"{ALL_RULES}/{name}?version=2"), 409)


async def test_a_change_that_changes_nothing_is_none(api: Api, topics: str) -> None:
    """Whoever did not hear the answer may send it again."""
    name = new_name()
    await put(api, name, {"rules": [rule("m > 1", labels={"b": "1", "a": "2", "longer": "3"})]})
    changed = {"rules": [rule("m > 2", labels={"b": "1", "a": "2", "longer": "3"})], "version": 1}
    first, again = await put(api, name, changed), await put(api, name, changed)
    assert (first.status, first.body["version"]) == (200, 2)
    assert (again.status, again.body["version"]) == (200, 2)
    assert len([one for one in await records(topics, RULES) if one.key == name.encode()]) == 2


async def test_a_group_is_switched_off_and_on(api: Api, topics: str) -> None:
    name = new_name()
    await put(api, name, {"rules": [rule(labels={"zz": "1", "a": "2"})]})
    before = RuleGroup.decode((await last_message(topics, name)) or b"")

    off = await api.ask("PATCH", f"{ALL_RULES}/{name}", "operator", json={"enabled": False})

    assert (off.status, off.body["enabled"], off.body["version"]) == (200, False, 2)
    assert off.body["status"]["state"] == "disabled"
    assert (await put(api, name, {"rules": [rule("m > 9")], "version": 2})).body["enabled"] is False
    again = await put(api, name, {"rules": [rule(labels={"zz": "1", "a": "2"})], "version": 3})
    stale = await api.ask("PATCH", f"{ALL_RULES}/{name}", "operator", json={"enabled": True, "version": 2})
    assert is_problem(stale, 409)
    on = await api.ask(
        "PATCH", f"{ALL_RULES}/{name}", json={"enabled": True}, headers={"If-Match": again.headers["etag"]}
    )
    assert (on.body["enabled"], on.body["version"]) == (True, 5)
    after = RuleGroup.decode((await last_message(topics, name)) or b"")
    assert [one.model_dump_json() for one in after.rules] == [one.model_dump_json() for one in before.rules]


async def last_message(topics: str, name: str) -> bytes | None:
    found: list[bytes | None] = [one.value for one in await records(topics, RULES) if one.key == name.encode()]
    return found[-1]


async def test_shadow_rules_are_promoted_one_by_one_or_all(api: Api) -> None:
    name = new_name()
    shadows = [rule(shadow=True, alert="One"), rule(shadow=True, alert="Two"), rule(shadow=True, alert="Three")]
    await put(api, name, {"rules": shadows})

    one = await api.ask("POST", f"{ALL_RULES}/{name}/promote?rule=Two", "operator")
    unknown = await api.ask("POST", f"{ALL_RULES}/{name}/promote?rule=Four", "operator")
    everything = await api.ask("POST", f"{ALL_RULES}/{name}/promote", "operator", headers={"If-Match": '"2"'})
    again = await api.ask("POST", f"{ALL_RULES}/{name}/promote", "operator")

    assert [one["shadow"] for one in one.body["rules"]] == [True, False, True]
    assert is_problem(unknown, 404)
    assert [one["shadow"] for one in everything.body["rules"]] == [False, False, False]
    assert [answer.body["version"] for answer in (one, everything, again)] == [2, 3, 3]


async def test_what_comes_from_a_file_is_changed_there(api: Api) -> None:
    async def there() -> bool:
        return (await api.get(f"{ALL_RULES}/{FROM_FILE}")).status == 200

    await eventually(there)
    one = f"{ALL_RULES}/{FROM_FILE}"
    answers = [
        await post(api, {"name": FROM_FILE, "rules": []}),
        await put(api, FROM_FILE, {"rules": [], "version": 1}),
        await api.ask("PATCH", one, json={"enabled": False}),
        await api.ask("POST", f"{one}/promote"),
        await api.ask("DELETE", one),
    ]
    for answer in answers:
        assert is_problem(answer, 409)
    assert all("comes from a rule file" in answer.body["detail"] for answer in answers[1:])


async def test_a_cycle_of_groups_is_refused_with_its_path(api: Api) -> None:
    first, second, metric = new_name(), new_name(), f"m_{uuid.uuid4().hex}"
    assert (await put(api, first, {"rules": [{"record": f"{metric}_a", "expr": f"{metric}_b + 1"}]})).status == 201
    closing = {"rules": [{"record": f"{metric}_b", "expr": f"{metric}_a + 1"}]}

    refused = await put(api, second, closing)

    assert is_problem(refused, 422)
    assert f"{second} -> {first} -> {second}" in refused.body["detail"]
    assert is_problem(await api.get(f"{ALL_RULES}/{second}"), 404)
    # Switched off the first makes nothing; then the second may be, and the first may not come back.
    await api.ask("PATCH", f"{ALL_RULES}/{first}", json={"enabled": False})
    assert (await put(api, second, closing)).status == 201
    back = await api.ask("PATCH", f"{ALL_RULES}/{first}", json={"enabled": True})
    assert is_problem(back, 409)
    assert f"{first} -> {second} -> {first}" in back.body["detail"]


# Files


async def test_a_rule_file_comes_into_force_as_a_whole(api: Api) -> None:
    names = [new_name() for _ in range(3)]
    text = f"""
groups:
- name: {names[1]}
  interval: 30s
  rules:
  - {{alert: High, expr: m > 1, for: 5m}}
- name: {names[0]}
  rules: [{{record: 'm:sum', expr: sum(m)}}]
rules:
- {{name: {names[2]}, condition: m > 3, severity: info, message: Much, cooldown: 5m, shadow: true}}
"""
    created = await post_text(api, text)

    assert created.status == 201, created.text
    assert [one["name"] for one in created.body["groups"]] == [names[1], names[0], names[2]]
    small = created.body["groups"][2]
    assert (small["immediate"], small["rules"][0]["cooldown"], small["rules"][0]["shadow"]) == (True, 300_000, True)
    assert (await post_text(api, text)).status == 200
    taken = await post_text(api, f"groups:\n- name: {new_name()}\n- name: {names[1]}")
    assert is_problem(taken, 409)
    assert names[1] in taken.body["detail"]
    assert len((await api.get(ALL_RULES)).body) >= 3


async def test_a_group_is_had_as_yaml_and_put_as_yaml(api: Api) -> None:
    name = new_name()
    await put(api, name, {"interval": "30s", "rules": [rule(annotations={"summary": "ü: {{ $value }}"})]})
    had = await api.get(f"{ALL_RULES}/{name}", "viewer", headers={"Accept": "application/yaml"})
    assert had.headers["content-type"].startswith("application/yaml")
    (group,) = yaml.safe_load(had.text)["groups"]
    assert group["rules"][0]["annotations"] == {"summary": "ü: {{ $value }}"}
    group["interval"] = "1m"
    headers = {"Content-Type": "application/yaml", "If-Match": had.headers["etag"]}
    changed = await api.ask("PUT", f"{ALL_RULES}/{name}", "operator", data=yaml.safe_dump(group), headers=headers)
    assert (changed.status, changed.body["interval_seconds"]) == (200, 60)


@pytest.mark.parametrize(
    ("text", "status", "where"),
    [
        ("groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'm >'}", 422, "body:4"),
        ("groups:\n- name: g\n  rules:\n  - {alert: A, expr: m, labels: {a-b: c}}", 422, "body:4"),
        ("groups: [", 422, "body:1"),
        ("", 422, "body"),
        ("groups: []", 422, "body"),
        ("- a", 422, "body"),
    ],
)
async def test_bad_files(api: Api, text: str, status: int, where: str) -> None:
    answer = await post_text(api, text)
    assert is_problem(answer, status)
    assert answer.body["errors"][0]["where"] == where


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ('{"name":', 400, "body, line 1, column 9"),
        ("", 400, "body, line 1, column 1"),
        ('{"name":"g","rules":[{"alert":"A","expr":"m >"}]}', 422, "body.rules[0]"),
        (
            '{"name":"g","rules":[{"alert":"A","expr":"m"},{"alert":"B","expr":"m","fro":"5m"}]}',
            422,
            "body.rules[1].fro",
        ),
        ('{"name":"g","interval":"5"}', 422, "body.interval"),
        ('{"groups":[{"name":"g"},{"name":"g"}]}', 422, "body.groups[1]"),
        ('{"name":"g","rules":[{"alert":"A","expr":"max_over_time(m[31d]) > 1"}]}', 422, "body"),
        ("[]", 422, "body"),
    ],
)
async def test_bad_groups(api: Api, body: str, status: int, where: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await api.ask("POST", ALL_RULES, "operator", data=body, headers=headers)
    assert is_problem(answer, status)
    assert answer.body["errors"][0]["where"] == where


async def test_a_name_is_given_once(api: Api) -> None:
    answer = await put(api, new_name(), {"name": "another", "rules": []})
    assert is_problem(answer, 422)
    assert answer.body["errors"][0]["where"] == "body.name"


# What is told of them


async def test_how_the_evaluation_goes_is_shown(api: Api, producer: Producer) -> None:
    name = new_name()
    await put(api, name, {"rules": [rule(), rule("n / 0 > 1", alert="Second")]})
    assert (await api.get(f"{ALL_RULES}/{name}")).body["status"]["state"] == "unknown"
    status = GroupStatus(
        group=name,
        version=1,
        state="active",
        problems=[RuleProblem(place=1, rule="Second", reason="it matches too many series")],
        problem_count=1,
        last_instant=1_700_000_000_000,
        evaluation_seconds=0.25,
        pending=2,
        firing=3,
        told_at=clock.now_ms(),
        worker="host:1",
    )
    await producer.send(Outgoing(RULES_STATUS, name, status))

    async def shown() -> Any:
        body = (await api.get(f"{ALL_RULES}/{name}", "viewer")).body
        return body if body["status"]["state"] == "active" else None

    body = await eventually(shown)
    assert (body["status"]["pending"], body["status"]["firing"], body["status"]["evaluation_seconds"]) == (2, 3, 0.25)
    assert body["status"]["last_instant"] == "2023-11-14T22:13:20.000Z"
    assert [one["problem"] for one in body["rules"]] == [None, "it matches too many series"]
    changed = await put(api, name, {"rules": [rule()], "version": 1})
    assert changed.body["status"]["state"] == "unknown"
    assert changed.body["rules"][0]["problem"] is None


async def test_every_change_is_in_the_audit_log_and_in_the_history(api: Api, topics: str, dsn: str) -> None:
    name = new_name()
    one = f"{ALL_RULES}/{name}"
    await put(api, name, {"rules": [rule(shadow=True)]})
    await put(api, name, {"rules": [rule("m > 2", shadow=True)], "version": 1})
    await api.ask("PATCH", one, "admin", json={"enabled": False})
    await api.ask("POST", f"{one}/promote", "operator")
    await api.ask("DELETE", one, "admin")
    await put(api, name, {"rules": [rule("m > 3")]})

    with psycopg.connect(dsn) as connection:
        audit = connection.execute(
            "SELECT actor, action, before ->> 'version', after ->> 'version' FROM audit_log"
            " WHERE subject = %s ORDER BY at, id", (f"rule/{name}",),
        ).fetchall()  # fmt: skip
        store_history(connection, [row.value for row in await records(topics, RULES) if row.key == name.encode()], name)
    assert sorted(audit, key=lambda row: int(row[3] or 5)) == [
        ("test-operator", "rule.create", None, "1"),
        ("test-operator", "rule.update", "1", "2"),
        ("test-admin", "rule.disable", "2", "3"),
        ("test-operator", "rule.promote", "3", "4"),
        ("test-admin", "rule.delete", "4", None),
        ("test-operator", "rule.create", None, "6"),
    ]
    assert len([1 for row in await records(topics, AUDIT) if row.key == f"rule/{name}".encode()]) == 6

    history = await api.get(f"{one}/history", "viewer")

    told = [(row["version"], row["action"], row["updated_by"], row["enabled"]) for row in history.body]
    assert told == [
        (6, "create", "test-operator", True),
        (5, "delete", "test-admin", None),
        (4, "update", "test-operator", False),
        (3, "update", "test-admin", False),
        (2, "update", "test-operator", True),
        (1, "create", "test-operator", True),
    ]
    assert history.body[4]["definition"]["rules"][0]["expr"] == "m > 2"
    assert [row["version"] for row in (await api.get(f"{one}/history?limit=2")).body] == [6, 5]
    assert is_problem(await api.get(f"{ALL_RULES}/{new_name()}/history"), 404)


def store_history(connection: psycopg.Connection[Any], values: list[bytes | None], name: str) -> None:
    """As history does, which is behind by one."""
    for number, value in enumerate(values[:-1]):
        connection.execute(
            "INSERT INTO rule_history (group_name, document, digest, accepted_at, partition, bus_offset)"
            " VALUES (%s, %s, %s, now(), 0, %s)",
            (name, value and value.decode(), value and "digest", number),
        )
