"""`./pantau bench sample`: from the acknowledgement of a posted sample to where its alert shows up.

Posts the specification's rule once, then a value above its threshold and one below it, again and again.
"""

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Awaitable

import aiohttp
import asyncpg
from rich.console import Console
from rich.table import Table

from bench._figures import percentile
from bench._stack import Stack, own_stack
from bench._watch import Arrivals, events, is_active, logged, webhooks, when

RULE = {
    "name": "custom_alert",
    "condition": "custom_metric > 100",
    "severity": "warning",
    "message": "Custom metric threshold exceeded",
}
NAME = RULE["name"]
ABOVE, BELOW = 123, 50
PLACES = {
    "event": "on pantau.alerts.events",
    "webhook": "webhook request",
    "active": "GET alerts?status=active",
    "logged": "in alert_logs",
}

# (place, state) -> seconds after the acknowledgement, one a round
Figures = dict[tuple[str, str], list[float]]

out = Console(highlight=False)


def main() -> None:
    """Parse, measure, print."""
    arguments = _parser().parse_args()
    given = [arguments.url, arguments.token, arguments.kafka, arguments.webhook_port, arguments.dsn]
    if all(one is None for one in given):
        out.print("Starting a stack of its own in a temporary directory, on free ports.")
        with own_stack() as stack:
            figures = asyncio.run(measure(stack, arguments.times))
    elif None in given:
        raise SystemExit("Give --url, --token, --kafka, --webhook-port and --dsn, or none of them.")
    else:
        figures = asyncio.run(measure(Stack(*given), arguments.times))
    report(figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pantau bench sample", description=__doc__)
    parser.add_argument("--times", type=_positive, default=20, help="how often the alert fires and resolves (20)")
    running = parser.add_argument_group("a stack that runs (without these it starts its own)")
    running.add_argument("--url", help="of the HTTP API, e.g. http://127.0.0.1:8080")
    running.add_argument("--token", help="of an admin or operator who may also push: ./pantau token create")
    running.add_argument("--kafka", help="bootstrap address, e.g. 127.0.0.1:19092")
    running.add_argument("--webhook-port", type=int, help="port on 127.0.0.1 that a webhook receiver of the stack has")
    running.add_argument("--dsn", help="of its database")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


async def measure(stack: Stack, times: int) -> Figures:
    """Let the alert fire and resolve `times` times, and note when each place shows it."""
    figures: Figures = defaultdict(list)
    headers = {"Authorization": f"Bearer {stack.token}"}
    connection = await asyncpg.connect(stack.dsn)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=30)) as session,
            events(stack, NAME) as bus,
            webhooks(stack, NAME) as hook,
        ):
            await _post(session, f"{stack.url}/api/monitoring/alerts/rules", RULE)
            await _start_resolved(session, stack)
            out.print(f"Rule {RULE['condition']!r} is in force. Posting {ABOVE}, then {BELOW}, {times} times:")
            for number in range(1, times + 1):
                for value, state in ((ABOVE, "firing"), (BELOW, "resolved")):
                    found = await _round(stack, session, connection, bus, hook, value, state)
                    for place, seconds in found.items():
                        figures[place, state].append(seconds)
                if number % 5 == 0 or number == times:
                    out.print(f"  {number} of {times}")
    finally:
        await connection.close()
    return figures


async def _start_resolved(session: aiohttp.ClientSession, stack: Stack) -> None:
    """What an earlier run may have left firing ends before the first measurement."""
    await _push(session, stack, BELOW)

    async def is_over() -> bool:
        return not await is_active(session, stack, NAME)

    await when(is_over)


async def _round(
    stack: Stack,
    session: aiohttp.ClientSession,
    connection: asyncpg.Connection,
    bus: Arrivals,
    hook: Arrivals,
    value: float,
    state: str,
) -> dict[str, float]:
    """Post `value`; seconds from its acknowledgement until each place shows `state`."""
    seen = bus.count(state), hook.count(state)
    before = await logged(connection, NAME)
    fires = state == "firing"
    row = 0 if fires else 1

    async def is_shown() -> bool:
        return await is_active(session, stack, NAME) is fires

    async def is_logged() -> bool:
        return (await logged(connection, NAME))[row] > before[row]

    acknowledged = await _push(session, stack, value)
    looks: dict[str, Awaitable[float]] = {
        "event": bus.next_after(state, seen[0]),
        "webhook": hook.next_after(state, seen[1]),
        "active": when(is_shown),
        "logged": when(is_logged),
    }
    arrived = await asyncio.gather(*looks.values())
    # What overtakes the acknowledgement on its way to us took no time after it.
    return {place: max(at - acknowledged, 0.0) for place, at in zip(looks, arrived, strict=True)}


async def _push(session: aiohttp.ClientSession, stack: Stack, value: float) -> float:
    """Post one sample; when it was acknowledged."""
    body = {"metric_name": "custom_metric", "value": value, "labels": {"type": "business"}}
    await _post(session, f"{stack.url}/api/monitoring/metrics", body)
    return time.perf_counter()


async def _post(session: aiohttp.ClientSession, url: str, body: object) -> None:
    async with session.post(url, json=body) as response:
        if response.status >= 300:
            raise SystemExit(f"POST {url}: {response.status} {await response.text()}")


def report(figures: Figures) -> None:
    """Print the table, and the line of JSON."""
    table = Table("ms after the acknowledgement", "", "p50", "p99", "max", box=None, pad_edge=False)
    for place, words in PLACES.items():
        for state in ("firing", "resolved"):
            values = [1_000 * seconds for seconds in figures[place, state]]
            figures_of_row = (percentile(values, 50), percentile(values, 99), max(values))
            table.add_row(words, state, *(f"{value:.0f}" for value in figures_of_row))
    out.print(table)
    out.print("Watched together; the last two are asked every 5 ms, which is part of the load.", style="dim")
    print(json.dumps(summary(figures)), flush=True)


def summary(figures: Figures) -> dict[str, float | int]:
    """p99 (and p50) in ms over firing and resolved together; queryable is the later of API and alert_logs."""
    taken: dict[str, list[float]] = {
        name: figures[name, "firing"] + figures[name, "resolved"] for name in ("event", "webhook")
    }
    taken["queryable"] = [
        max(pair)
        for state in ("firing", "resolved")
        for pair in zip(figures["active", state], figures["logged", state], strict=True)
    ]
    found: dict[str, float | int] = {}
    for name, values in taken.items():
        found[f"{name}_ms"] = round(1_000 * percentile(values, 99), 1)
        found[f"{name}_p50_ms"] = round(1_000 * percentile(values, 50), 1)
    return found | {"transitions": len(taken["event"])}


if __name__ == "__main__":
    main()
