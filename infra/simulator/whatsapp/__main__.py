"""Run a simulated gateway: `python -m infra.simulator.whatsapp --port 3000`, until it is interrupted.

Prints the section for `pantau.yaml` that watches it, so that it can be tried at once. What it has of messages
follows from the seed and the time of day in western Indonesia.
"""

import argparse
import asyncio
import signal
import sys

from infra.simulator.whatsapp.gateway import Plan
from infra.simulator.whatsapp.served import ServedGateway

NAME = "simulated"
WEBHOOK = "/api/monitoring/whatsapp/{}/webhook"
# What can be wrong from the beginning.
TROUBLES = ("none", "logout", "queue-stuck")


async def serve(served: ServedGateway, trouble: str) -> None:
    """Serve until SIGINT or SIGTERM."""
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with served:
        if trouble == "logout":
            served.gateway.log_out(next(iter(served.gateway.accounts)))
        elif trouble == "queue-stuck":
            served.gateway.stick()
        print(section(served), end="")
        sys.stdout.flush()
        await over.wait()


def section(served: ServedGateway) -> str:
    """What watches it."""
    plan = served.plan
    return f"""\
whatsapp:
  gateways:
    - name: {NAME}
      waha: {{url: "{served.url}", api_key: {plan.api_key}, webhook_secret: {plan.webhook_key}}}
      status: {{url: "{served.status_url}", queue_size: /queue/size, oldest_at: /queue/oldest_at, messages: /messages}}
      canary: {{to: 628110000000@c.us, every_seconds: 60, deadline_seconds: 30}}
"""


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m infra.simulator.whatsapp", description="A simulated gateway.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seed", default="0", help="the same seed, the same messages")
    parser.add_argument("--per-minute", type=float, default=6.0, help="messages in an ordinary minute")
    parser.add_argument("--api", default="", help="where Pantau answers, e.g. http://127.0.0.1:8080: it gets webhooks")
    parser.add_argument("--trouble", choices=TROUBLES, default="none", help="what is wrong with it")
    given = parser.parse_args()
    url = given.api.rstrip("/") + WEBHOOK.format(NAME) if given.api else ""
    plan = Plan(seed=given.seed, per_minute=given.per_minute)
    asyncio.run(serve(ServedGateway(plan, given.port, webhook_url=url, by_itself=True), given.trouble))


if __name__ == "__main__":
    main()
