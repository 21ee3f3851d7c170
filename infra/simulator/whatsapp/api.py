"""WAHA's HTTP API over the gateway, and the billing application's status page."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from infra.simulator.whatsapp.faults import Fault, Trouble
from infra.simulator.whatsapp.gateway import ENGINE, VERSION, Gateway, describe

STATUS_PATH = "/billing/whatsapp/status"
ABOUT = {"version": VERSION, "engine": ENGINE, "tier": "CORE", "browser": None}


class Api:
    """The routes. `now_ms` tells the gateway's time."""

    def __init__(self, gateway: Gateway, trouble: Trouble, now_ms: Callable[[], int]) -> None:
        self._gateway, self._trouble, self._now_ms = gateway, trouble, now_ms
        self.requests = 0
        """How many came, whatever became of them."""

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[self._misbehave, self._authorize])
        app.router.add_get("/ping", self._ping)
        for path in ("/api/version", "/api/server/version"):
            app.router.add_get(path, self._version)
        app.router.add_get("/api/sessions", self._sessions)
        app.router.add_get("/api/sessions/{session}", self._session)
        app.router.add_post("/api/sessions/{session}/{action:start|stop|restart|logout}", self._action)
        app.router.add_post("/api/sendText", self._send_text)
        app.router.add_get("/api/{session}/chats/{chat}/messages/{message}", self._message)
        app.router.add_get(STATUS_PATH, self._status)
        return app

    @web.middleware
    async def _misbehave(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.requests += 1
        self._gateway.advance(self._now_ms())
        if self._trouble.latency_seconds:
            await asyncio.sleep(self._trouble.latency_seconds)
        fault = self._trouble.at(request.path)
        if fault is Fault.NONE:
            return await handler(request)
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        plain = {
            Fault.GARBAGE: web.Response(body=b"\x00\xff<html>", content_type="application/json"),
            Fault.NONSENSE: web.json_response({"hello": "world"}),
            Fault.UNAUTHORIZED: web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401),
            Fault.ERROR: web.json_response({"statusCode": 500, "message": "Internal server error"}, status=500),
            Fault.REDIRECT: web.Response(status=302, headers={"Location": "http://192.0.2.1/elsewhere"}),
        }
        return plain[fault] if fault in plain else await _endless(request, drops=fault is Fault.DROP)

    @web.middleware
    async def _authorize(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        key = request.headers.get("X-Api-Key", "").encode()
        if request.path.startswith("/api/") and not hmac.compare_digest(key, self._gateway.plan.api_key.encode()):
            return web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401)
        return await handler(request)

    async def _ping(self, request: web.Request) -> web.Response:
        return web.json_response({"message": "pong"})

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response(ABOUT)

    async def _sessions(self, request: web.Request) -> web.Response:
        all_of_them = request.query.get("all") == "true"
        return web.json_response(
            [
                self._describe(name)
                for name, account in self._gateway.accounts.items()
                if all_of_them or account.state != "STOPPED"
            ]
        )

    async def _session(self, request: web.Request) -> web.Response:
        return web.json_response(self._describe(self._known(request)))

    async def _action(self, request: web.Request) -> web.Response:
        name, action = self._known(request), request.match_info["action"]
        if action in ("start", "restart"):
            self._gateway.start(name)
        elif action == "stop":
            self._gateway.stop(name)
        else:
            self._gateway.log_out(name, noticed=True)
        return web.json_response(self._describe(name), status=201)

    async def _send_text(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = body.get("session", "default")
        account = self._gateway.accounts.get(name)
        if account is None:
            return _refusal(404, f"Session {name!r} does not exist")
        if account.state != "WORKING":
            return _refusal(422, f"Session status is {account.state}, expected WORKING")
        message = self._gateway.send(name, body["chatId"], body["text"])
        return web.json_response(describe(message, message.ack(self._gateway.now_ms)), status=201)

    async def _message(self, request: web.Request) -> web.Response:
        message = self._gateway.messages.get(request.match_info["message"])
        if message is None or message.session != self._known(request) or message.chat != request.match_info["chat"]:
            return _refusal(404, "Message not found")
        return web.json_response(describe(message, message.ack(self._gateway.now_ms)))

    async def _status(self, request: web.Request) -> web.Response:
        gateway = self._gateway
        messages: dict[str, dict[str, int]] = {}
        for (kind, status), count in gateway.counted.items():
            messages.setdefault(kind, {})[status] = count
        return web.json_response(
            {
                "connected": all(account.state == "WORKING" for account in gateway.accounts.values()),
                "queue": {"size": len(gateway.queue), "oldest_at": gateway.oldest_ms()},
                "messages": messages,
            }
        )

    def _known(self, request: web.Request) -> str:
        name = request.match_info["session"]
        if name not in self._gateway.accounts:
            raise web.HTTPNotFound(text='{"statusCode":404}', content_type="application/json")
        return name

    def _describe(self, name: str) -> dict[str, Any]:
        account = self._gateway.accounts[name]
        me = {"id": "628110000000@c.us", "pushName": "Billing"} if account.state == "WORKING" else None
        return {"name": name, "status": account.state, "config": {}, "me": me, "engine": {"engine": ENGINE}}


def _refusal(status: int, text: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": text}, status=status)


async def _endless(request: web.Request, *, drops: bool) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if drops:
        response.content_length = 1_000_000
    await response.prepare(request)
    try:
        while not drops:
            await response.write(b"[" * 65_536)
        await response.write(b'[{"name":')
    except ConnectionError:
        return response  # whoever asked has had enough
    assert request.transport is not None
    request.transport.close()
    return response
