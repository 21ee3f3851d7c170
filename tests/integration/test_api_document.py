"""The API against its own OpenAPI document: who may do what, and what any input leads to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import schemathesis
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from starlette.routing import Match

from services.api import openapi
from services.api.access import PublicRoute
from services.api.app import build
from services.api.core.access import ALLOWED
from tests.integration.api_process import ROLES, Api, make_tokens, new_database, running_api

DOCUMENT: dict[str, Any] = build(None).openapi()
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
GUARDED = [one for one in OPERATIONS if "x-required-role" in one[2]]
PUBLIC = {("POST", "/api/session"), ("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/metrics")}
# They ask for something else than a role: a signature, or a key of their own (and heartbeats take tokens too).
KEYED = {
    *((method, "/api/monitoring/whatsapp/{gateway}/webhook") for method in ("GET", "POST")),
    *((method, "/api/monitoring/heartbeats/{name}") for method in ("GET", "POST")),
    *((method, "/api/monitoring/heartbeats/{name}/{kind}") for method in ("GET", "POST")),
}
PAGES = "/{path}"
# Their tokens are all they ask for; what they answer are pages.
LINKS = "/a/{token}"


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str, postgres_dsn: str) -> AsyncIterator[Api]:
    dsn = new_database(postgres_dsn)
    environment = {"PANTAU_API__LOGIN_ATTEMPTS_PER_MINUTE_AND_ADDRESS": "100000"}
    async with running_api(tmp_path_factory.mktemp("api"), topics, dsn, make_tokens(dsn), **environment) as api:
        await api.known()
        yield api


def test_the_committed_document_is_the_codes() -> None:
    assert openapi.main(["--check"]) == 0


def test_every_route_there_is_asks_who_it_is_or_is_meant_for_everybody() -> None:
    """Walks the application itself, not the document: a route that forgot its guard is found here."""
    found = set()
    for context in iter_route_contexts(build(None).routes):
        route = context.original_route
        assert isinstance(route, PublicRoute), f"{route} is not one of our route classes"
        for method in route.methods or ():
            if route.needed is None and route.path_format not in (PAGES, LINKS):
                found.add((method, route.path_format))
    assert {one for one in found if one[0] != "HEAD"} == PUBLIC | KEYED
    assert {(method, path) for method, path, _ in GUARDED} | PUBLIC | KEYED == {(m, p) for m, p, _ in OPERATIONS}


@pytest.mark.parametrize(("method", "path", "operation"), GUARDED, ids=[one[2]["operationId"] for one in GUARDED])
async def test_credentials_and_roles(api: Api, method: str, path: str, operation: dict[str, Any]) -> None:
    concrete = path.replace("{name}", "no-such-rule")
    nobody = await api.ask(method, concrete, None)
    assert nobody.status == 401
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    stranger = {"Authorization": "Bearer pantau_wrong", "Cookie": "pantau_session=pantau_wrong"}
    assert (await api.ask(method, concrete, None, headers=stranger)).status == 401
    for role in ROLES:
        headers = {"Authorization": f"Bearer {api.tokens[role]}"}
        async with api.session.request(method, api.url + concrete, headers=headers) as response:
            if role in ALLOWED[operation["x-required-role"]]:
                assert response.status not in (401, 403), role
            else:
                assert response.status == 403, role


@pytest.mark.parametrize(("method", "path"), sorted(PUBLIC))
async def test_what_answers_everybody(api: Api, method: str, path: str) -> None:
    body = {"json": {"username": "sri", "password": "guess"}} if method == "POST" else {}
    answer = await api.ask(method, path, None, **body)
    assert answer.status == (401 if method == "POST" else 200)


@pytest.mark.parametrize(("method", "path"), sorted(KEYED))
async def test_what_asks_for_a_key_or_a_signature(api: Api, method: str, path: str) -> None:
    concrete = path.format(name="no-such-job", kind="start", gateway="no-such-gateway")
    for role in (None, "viewer"):
        answer = await api.ask(method, concrete, role, json={} if method == "POST" else None)
        assert answer.status in (401, 403), role


def test_documented_routes_are_found_before_the_pages() -> None:
    app = build(None)
    for method, path, _ in OPERATIONS:
        scope = {"type": "http", "method": method, "path": path.replace("{name}", "x"), "headers": []}
        first = next(route for route in app.routes if route.matches(scope)[0] == Match.FULL)
        pages = app.routes[-1]
        assert first is not pages


def is_an_error(path: str, response: schemathesis.Response) -> None:
    """Fails unless it is told in our form, or on Prometheus' and Alertmanager's APIs in theirs."""
    media = response.headers["content-type"][0]
    if path.startswith("/api/v2/"):
        assert media == "application/json", response.text
        assert isinstance(response.json(), str)
    elif path.startswith("/api/v1/"):
        assert media == "application/json"
        assert {"status", "errorType", "error"} == set(response.json())
    else:
        assert media == "application/problem+json"


SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
FUZZED = {one[2]["operationId"]: one[2] for one in OPERATIONS if one[2]["operationId"] not in ("stream",)}


def examples_of(operation_id: str) -> int:
    """How many inputs are tried: few where there is little to get wrong."""
    if operation_id == "login":
        return 15  # comparing passwords is slow by design
    operation = FUZZED[operation_id]
    return 40 if operation.get("parameters") or operation.get("requestBody") else 5


@pytest.mark.parametrize("operation_id", FUZZED)
async def test_no_input_leads_to_an_error_of_ours(api: Api, operation_id: str) -> None:
    """Valid and invalid input made from the document; 503 would mean that something is away, which nothing is."""
    operation = SCHEMA.find_operation_by_id(operation_id)
    token = api.tokens["admin"]

    valid, invalid = operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    statuses: list[int] = []

    def ask() -> None:
        @given(case=valid | invalid)
        @settings(
            max_examples=examples_of(operation_id),
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def one(case: schemathesis.Case[Any]) -> None:
            response = case.call(base_url=api.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
            statuses.append(response.status_code)
            assert response.status_code < 500, f"{case.as_curl_command()}\n{response.text}"
            if response.status_code >= 400:
                is_an_error(operation.path, response)

        one()

    await asyncio.to_thread(ask)
    assert statuses
