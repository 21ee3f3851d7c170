"""`./pantau bench sdk`: what the SDK's middleware adds to a request.

A FastAPI and a Starlette application with one route each, driven in process without a server, so that nothing else is
in the figures: CPU time per request without the middleware, with it, and with it while everything is pushed to a Pantau
that does not answer. The runs take turns; of each the best counts. One more figure puts the addition beside what a
request costs through a real server (uvicorn, one client on a kept connection).
"""

import argparse
import asyncio
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI
from pantau import Pantau, Settings
from pantau.asgi import RequestMiddleware
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

out = Console(highlight=False)

App = Callable[[Any, Any, Any], Any]
HEADERS = [(b"host", b"localhost"), (b"accept", b"application/json"), (b"user-agent", b"Mozilla/5.0 (X11; Linux)")]


@dataclass(frozen=True)
class Figure:
    """CPU microseconds per request."""

    bare: float
    measured: float
    away: float


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="pantau bench sdk", description=__doc__)
    parser.add_argument("--requests", type=int, default=5_000, help="requests of each run (5,000)")
    parser.add_argument("--times", type=int, default=7, help="runs of each, of which the best counts (7)")
    arguments = parser.parse_args()
    logging.getLogger("pantau").setLevel(logging.CRITICAL)  # that Pantau is away is on purpose here
    figures = {
        name: measure(make, arguments.requests, arguments.times)
        for name, make in (("fastapi", fastapi_application), ("starlette", starlette_application))
    }
    report(figures, served(fastapi_application(), arguments.requests))


def fastapi_application() -> App:
    """One route that answers with a little JSON."""
    app = FastAPI()

    @app.get("/customers/{number}")
    async def customer(number: int) -> dict[str, int]:
        return {"id": number}

    return app


def starlette_application() -> App:
    """The same in Starlette."""

    async def customer(request: Request) -> JSONResponse:
        return JSONResponse({"id": int(request.path_params["number"])})

    return Starlette(routes=[Route("/customers/{number}", customer)])


def measure(make: Callable[[], App], requests: int, times: int) -> Figure:
    """The same application bare, measured, and measured while Pantau is away."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        quiet = Pantau(Settings("bench"), others=())
        away = Pantau(Settings("bench", url=url, push_seconds=1, timeout_seconds=1), others=())
        away.start()
        apps: list[App] = [make(), RequestMiddleware(make(), quiet), RequestMiddleware(make(), away)]
        best = [float("inf")] * len(apps)
        for _ in range(times):
            best = [min(before, cpu(app, requests)) for before, app in zip(best, apps, strict=True)]
        away.close(0)
    return Figure(*best)


def cpu(app: App, requests: int) -> float:
    """CPU microseconds per request of this process, all threads."""

    async def run() -> float:
        await ask(app)
        begun = time.process_time()
        for _ in range(requests):
            await ask(app)
        return (time.process_time() - begun) / requests * 1e6

    return asyncio.run(run())


async def ask(app: App) -> None:
    """One request, as a server would hand it over."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/customers/7",
        "raw_path": b"/customers/7",
        "root_path": "",
        "query_string": b"",
        "headers": HEADERS,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(f"answered {message['status']}")

    await app(scope, receive, send)


def served(app: App, requests: int) -> float:
    """CPU microseconds per request through uvicorn, server and client together."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=10)
        get(connection)
        begun = time.process_time()
        for _ in range(requests):
            get(connection)
        used = time.process_time() - begun
        connection.close()
        server.should_exit = True
        thread.join()
    return used / requests * 1e6


def get(connection: http.client.HTTPConnection) -> None:
    """One request through the server."""
    connection.request("GET", "/customers/7")
    connection.getresponse().read()


def report(figures: dict[str, Figure], through_server: float) -> None:
    """A table for people, a line of JSON for machines."""
    table = Table("application", "bare, CPU µs", "with SDK", "ratio", "Pantau away", "ratio")
    told: dict[str, float] = {}
    for name, one in figures.items():
        table.add_row(
            name,
            f"{one.bare:.1f}",
            f"{one.measured:.1f}",
            f"{one.measured / one.bare:.2f}",
            f"{one.away:.1f}",
            f"{one.away / one.bare:.2f}",
        )
        told |= {
            f"{name}_ratio": round(one.measured / one.bare, 3),
            f"{name}_away_ratio": round(one.away / one.bare, 3),
            f"{name}_added_us": round(one.measured - one.bare, 1),
        }
    added = figures["fastapi"].away - figures["fastapi"].bare
    out.print(table)
    out.print(f"A request to the FastAPI application through uvicorn, with its client: {through_server:.0f} CPU µs.")
    told["added_share_through_server"] = round(added / through_server, 3)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
