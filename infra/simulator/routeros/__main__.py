"""Run simulated routers: `python -m infra.simulator.routeros --routers 20 --port 20000`, until it is interrupted.

Prints the section for `pantau.yaml` that watches them, so that it can be tried at once.
"""

import argparse
import asyncio
import signal
import sys

from infra.simulator.routeros.fleet import Fleet
from infra.simulator.routeros.router import Plan

VERSIONS = ("7.16.2 (stable)", "6.49.17 (long-term)", "7.15.3 (stable)")


def plans(count: int, seed: str, pppoe: int, hotspot: int) -> list[Plan]:
    """So many routers of both versions."""
    return [
        Plan(f"sim-{number:04d}", seed, VERSIONS[number % len(VERSIONS)], pppoe=pppoe, hotspot=hotspot)
        for number in range(1, count + 1)
    ]


async def serve(fleet: Fleet) -> None:
    """Serve until SIGINT or SIGTERM."""
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with fleet:
        print("mikrotik:\n  routers:", flush=False)
        for name, served in fleet.routers.items():
            plan = served.router.plan
            login = f"username: {plan.username}, password: {plan.password}"
            print(f"    - {{name: {name}, host: 127.0.0.1, port: {served.port}, {login}}}")
        sys.stdout.flush()
        await over.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m infra.simulator.routeros", description="Simulated routers.")
    parser.add_argument("--routers", type=int, default=3, help="how many")
    parser.add_argument("--port", type=int, default=0, help="of the first; the others follow. 0: any free ones")
    parser.add_argument("--seed", default="0", help="the same seed, the same provider")
    parser.add_argument("--pppoe", type=int, default=200, help="PPPoE subscribers of each")
    parser.add_argument("--hotspot", type=int, default=40, help="hotspot users of each")
    given = parser.parse_args()
    asyncio.run(serve(Fleet(plans(given.routers, given.seed, given.pppoe, given.hotspot), given.port)))


if __name__ == "__main__":
    main()
