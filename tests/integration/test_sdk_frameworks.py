"""Applications as people write them, with the SDK in them: FastAPI, Starlette, plain ASGI, Django."""

import asyncio
import socket
import sys
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI, WebSocket
from pantau import Pantau, Settings
from pantau.asgi import RequestMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from tests.integration.sdk_intake import intake

TOTAL = "http_requests_total"
STREAM_SECONDS = 0.2


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are pytest's."""
        yield


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """A client to `app` behind a real server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = _Server(uvicorn.Config(app, log_config=None, ws="none"))
        serving = asyncio.create_task(server.serve([listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            async with aiohttp.ClientSession(url, headers={"User-Agent": "curl/8"}) as session:
                yield session
        finally:
            server.should_exit = True
            await serving


async def status(client: aiohttp.ClientSession, path: str, method: str = "GET", **named: Any) -> int:
    async with client.request(method, path, **named) as response:
        await response.read()
        return response.status


@pytest.fixture
def pantau() -> Pantau:
    return Pantau(Settings("billing"), others=())


def total(pantau: Pantau, method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status_code": str(status)}
    counted = pantau.registry.get_sample_value(TOTAL, labels) or 0.0
    timed = pantau.registry.get_sample_value("http_request_duration_seconds_count", labels) or 0.0
    assert counted == timed
    return counted


def all_totals(pantau: Pantau) -> float:
    return sum(one.value for family in pantau.registry.collect() for one in family.samples if one.name == TOTAL)


# FastAPI


def fastapi_application(pantau: Pantau) -> FastAPI:
    app = FastAPI()
    app.add_middleware(RequestMiddleware, pantau=pantau, ignored=["/health"])
    customers = APIRouter(prefix="/customers")

    @customers.get("/{customer}")
    async def customer(customer: int) -> dict[str, int]:
        return {"id": customer}

    @customers.post("/{customer}/messages", status_code=201)
    def message(customer: int, text: dict[str, str]) -> None:
        pantau.whatsapp_sent("reminder")

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("as applications do")

    @app.get("/health")
    async def health() -> str:
        return "ok"

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json(pantau.registry.get_sample_value("http_active_connections"))
        await socket.close()

    app.include_router(customers, prefix="/v1")
    return app


async def test_fastapi(pantau: Pantau) -> None:
    async with served(fastapi_application(pantau)) as client:
        assert await status(client, "/v1/customers/7") == 200
        assert await status(client, "/v1/customers/8") == 200
        assert await status(client, "/v1/customers/seven") == 422
        assert await status(client, "/v1/customers/7/messages", "POST", json={"text": "hi"}) == 201
        assert await status(client, "/fails") == 500
        assert await status(client, "/wp-login.php") == 404
        assert await status(client, "/health") == 200
    assert total(pantau, "GET", "/v1/customers/{customer}", 200) == 2
    assert total(pantau, "GET", "/v1/customers/{customer}", 422) == 1
    assert total(pantau, "POST", "/v1/customers/{customer}/messages", 201) == 1
    assert total(pantau, "GET", "/fails", 500) == 1
    assert total(pantau, "GET", "unmatched", 404) == 1
    assert all_totals(pantau) == 6, "what is ignored is not among them"
    assert pantau.registry.get_sample_value("whatsapp_messages_total", {"type": "reminder", "status": "sent"}) == 1


async def test_websockets_are_connections(pantau: Pantau) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/live", "headers": [], "query_string": b"", "subprotocols": []}
    await fastapi_application(pantau)(scope, receive, send)
    assert [one.get("text") for one in sent] == [None, "1.0", None]
    assert pantau.registry.get_sample_value("http_active_connections") == 0
    assert all_totals(pantau) == 0


async def test_the_applications_exceptions_are_its_own(pantau: Pantau) -> None:
    async def send(message: Any) -> None:
        """Nobody listens."""

    with pytest.raises(RuntimeError, match="as applications do"):
        await drive(fastapi_application(pantau), send, "/fails")
    assert total(pantau, "GET", "/fails", 500) == 1


async def test_a_sdk_that_fails_is_not_noticed(pantau: Pantau, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pantau.requests, "record", lambda *_: 1 / 0)
    async with served(fastapi_application(pantau)) as client:
        assert await status(client, "/v1/customers/7") == 200
    assert pantau.registry.get_sample_value("pantau_sdk_errors_total", {"where": "request"}) == 1


# Starlette


async def text(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes for {request.path_params}")


async def events(request: Request) -> StreamingResponse:
    async def told() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        await asyncio.sleep(STREAM_SECONDS)
        yield "data: 2\n\n"

    return StreamingResponse(told(), media_type="text/event-stream")


def starlette_application(pantau: Pantau) -> Starlette:
    async def asset(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("x")(scope, receive, send)

    app = Starlette(
        routes=[
            Route("/vouchers/{code}", text, methods=["GET", "PUT"]),
            Route("/files/{path:path}", text),
            Route("/events", events),
            Mount("/sites/{site}", routes=[Mount("/routers", routes=[Route("/{router:int}", text)])]),
            Mount("/static", app=asset),
        ]
    )
    app.add_middleware(RequestMiddleware, pantau=pantau)
    return app


async def test_starlette(pantau: Pantau) -> None:
    async with served(starlette_application(pantau)) as client:
        for path in ("/vouchers/A1", "/files/a/b/c", "/sites/x/routers/7", "/sites/7/routers/7", "/static/app.js"):
            assert await status(client, path) == 200
        assert await status(client, "/vouchers/A1", "DELETE") == 405
    assert total(pantau, "GET", "/vouchers/{code}", 200) == 1
    assert total(pantau, "GET", "/files/{path}", 200) == 1
    assert total(pantau, "GET", "/sites/{site}/routers/{router}", 200) == 2
    assert total(pantau, "GET", "/static/{path}", 200) == 1
    assert total(pantau, "DELETE", "/vouchers/{code}", 405) == 1
    assert all_totals(pantau) == 6


async def test_an_event_stream_takes_as_long_as_its_head(pantau: Pantau) -> None:
    async with served(starlette_application(pantau)) as client, client.get("/events") as response:
        assert "data: 2" in await response.text()
    labels = {"method": "GET", "route": "/events", "status_code": "200"}
    seconds = pantau.registry.get_sample_value("http_request_duration_seconds_sum", labels)
    assert seconds is not None
    assert seconds < STREAM_SECONDS, "the stream itself lasts that long at least"


async def test_a_starlette_that_leaves_only_the_endpoint(pantau: Pantau) -> None:
    inner = starlette_application(pantau)

    async def forgetful(scope: Any, receive: Any, send: Any) -> None:
        scope["app"] = inner
        await inner.router(scope, receive, send)
        scope.pop("route", None)

    async with served(RequestMiddleware(forgetful, pantau)) as client:
        assert await status(client, "/vouchers/A1") == 200
        assert await status(client, "/sites/bandung/routers/7") == 200
    assert total(pantau, "GET", "/vouchers/{code}", 200) == 1
    assert total(pantau, "GET", "/sites/{site}/routers/{router}", 200) == 1


async def test_the_request_log_says_who_asked_and_how_much_it_was() -> None:
    with intake() as api:
        pantau = Pantau(Settings("portal", url=api.url, push_seconds=1_000), others=())
        pantau.start()
        async with served(starlette_application(pantau)) as client:
            response = await client.put("/vouchers/A1", data=b"x" * 1_000)
            content = await response.read()
        pantau.close(10)
        (entry,) = api.requests()
    assert (entry["method"], entry["route"], entry["status_code"]) == ("PUT", "/vouchers/{code}", 200)
    assert (entry["request_size"], entry["response_size"]) == (1_000, len(content))
    assert (entry["user_agent"], entry["ip_address"]) == ("curl/8", "127.0.0.1")
    assert entry["response_time_ms"] > 0


# Plain ASGI


async def drive(app: Any, send: Callable[[Any], Any], path: str = "/x") -> None:
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "client": ("unix:", 0)}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app(scope, receive, send)


async def plain(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    await send({"type": "http.response.body", "body": b"x"})


async def test_an_application_that_tells_its_routes_itself(pantau: Pantau) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await drive(RequestMiddleware(plain, pantau, route_of=lambda scope: "/customers/{id}"), send, "/customers/1")
    assert len(sent) == 3
    assert total(pantau, "GET", "/customers/{id}", 200) == 1


async def test_a_client_that_leaves(pantau: Pantau) -> None:
    waiting = asyncio.Event()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            waiting.set()
            await asyncio.Event().wait()

    request = asyncio.create_task(drive(RequestMiddleware(plain, pantau), send))
    await waiting.wait()
    assert pantau.registry.get_sample_value("http_active_connections") == 1
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert total(pantau, "GET", "unmatched", 499) == 1
    assert pantau.registry.get_sample_value("http_active_connections") == 0


# Django


@pytest.fixture(scope="module")
def django_application() -> Any:
    """A Django with two views; its settings can be made only once in a process."""
    import django
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import path

    def customer(request: Any, number: int) -> Any:
        return HttpResponse(f"customer {number}")

    def fails(request: Any) -> Any:
        raise RuntimeError("as applications do")

    urls = types.ModuleType("sdk_django_urls")
    urls.urlpatterns = [path("customers/<int:number>/", customer), path("fails/", fails)]  # type: ignore[attr-defined]
    sys.modules[urls.__name__] = urls
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=urls.__name__,
        MIDDLEWARE=["pantau.django.request_middleware"],
        PANTAU=Pantau(Settings("billing"), others=()),
    )
    django.setup()
    return settings


async def test_django(django_application: Any) -> None:
    from django.test import AsyncClient, Client

    pantau = Pantau(Settings("billing"), others=())
    django_application.PANTAU = pantau
    client = Client(raise_request_exception=False)
    assert (await asyncio.to_thread(client.get, "/customers/7/")).content == b"customer 7"
    assert (await AsyncClient().get("/customers/8/")).content == b"customer 8"
    assert (await asyncio.to_thread(client.get, "/fails/")).status_code == 500
    assert (await asyncio.to_thread(client.get, "/nowhere/")).status_code == 404
    assert total(pantau, "GET", "/customers/<int:number>/", 200) == 2
    assert total(pantau, "GET", "/fails/", 500) == 1
    assert total(pantau, "GET", "unmatched", 404) == 1
    assert pantau.registry.get_sample_value("http_active_connections") == 0
