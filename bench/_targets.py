"""Targets to scrape, many in one process, each on a port of its own: `python -m bench._targets --targets 1000`.

Prints their addresses as one line of JSON, then serves until SIGTERM. Each time it is asked, a target has other values.
"""

import argparse
import asyncio
import json
import random
import signal
from itertools import count

from aiohttp import web

HOST = "127.0.0.1"
PAGES = 7
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def page(series: int, seed: int) -> bytes:
    """What a target of so many series says."""
    chance, lines = random.Random(seed), list[str]()
    for number in range(series):
        family, member = divmod(number, 20)
        if not member:
            lines += [f"# HELP worker_jobs_{family}_total Jobs by queue", f"# TYPE worker_jobs_{family}_total counter"]
        lines.append(f'worker_jobs_{family}_total{{queue="q{member}",status="done"}} {chance.random() * 1e6}')
    return ("\n".join(lines) + "\n").encode()


async def serve(targets: int, series: int) -> None:
    """Until SIGTERM."""
    pages, turn, over = [page(series, seed) for seed in range(PAGES)], count(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=pages[next(turn) % PAGES], headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    for _ in range(targets):
        await web.TCPSite(runner, HOST, 0, backlog=8).start()
    print(json.dumps([f"{host}:{port}" for host, port in runner.addresses]), flush=True)
    await over.wait()
    await runner.cleanup()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m bench._targets")
    parser.add_argument("--targets", type=int, required=True)
    parser.add_argument("--series", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.targets, given.series))


if __name__ == "__main__":
    main()
