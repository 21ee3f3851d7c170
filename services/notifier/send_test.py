"""`python -m services.notifier.send_test RECEIVER`: a test message, past bus and api; one line of JSON a destination.

Exits with 0 if all destinations have it, 1 if one has not, 2 if there is nobody to send it to.
"""

import argparse
import asyncio
import json
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from services.notifier.channels.registry import BadChannel
from services.notifier.configured import Configured, Way, routing_of, ways_of
from services.notifier.core.muting import Muting
from services.notifier.core.outcomes import Delivered
from services.notifier.core.planned import Planned
from services.notifier.core.trial import trials
from services.notifier.direct import Target, attempt
from services.notifier.recipients import Recipients
from services.notifier.settings import Settings
from shared import clock
from shared.bus import Producer
from shared.messages.notification_requests import NotificationRequest
from shared.settings import BadSettings, load
from shared.telemetry import configure_logging

# So long it is waited for the bus to say who the administrators are, where a receiver tells them.
BUS_SECONDS = 5.0


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m services.notifier.send_test", description="Sends a test message.")
    parser.add_argument("receiver")
    receiver = parser.parse_args().receiver
    try:
        settings = load(Settings)
        configure_logging("notifier", settings.log)
        return asyncio.run(_run(settings, receiver))
    except (BadSettings, BadChannel) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2


async def _run(settings: Settings, receiver: str) -> int:
    routing = routing_of(settings)
    if receiver not in routing.receivers:
        known = ", ".join(routing.receivers)
        print(f"There is no receiver {receiver[:80]!r}; there are {known}.", file=sys.stderr)  # noqa: T201
        return 2
    producer = Producer(settings.kafka.bootstrap, "notifier")
    recipients = Recipients(settings.notifications.everybody(), settings.kafka.bootstrap, producer)
    ways = ways_of(settings, routing)
    configured = Configured(routing, ways, recipients, Muting(routing.inhibit_rules))
    try:
        if _tells_administrators(ways[receiver]):
            await _ask_bus(producer, recipients)
        return await _send(configured, receiver)
    finally:
        for channel in configured.channels.values():
            await channel.close()
        await producer.stop()


async def _ask_bus(producer: Producer, recipients: Recipients) -> None:
    """Know the administrators, if the bus is there."""
    following = asyncio.create_task(recipients.run())
    try:
        async with asyncio.timeout(BUS_SECONDS):
            await producer.start()
            await recipients.caught_up.wait()
    except TimeoutError:
        print("The bus does not answer: the administrators are not known.", file=sys.stderr)  # noqa: T201
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def _send(configured: Configured, receiver: str) -> int:
    now_ms = clock.now_ms()
    request = NotificationRequest(id=uuid.uuid4().hex, receiver=receiver, at=now_ms, by="./pantau notify test")
    planned = trials(request, configured.destinations(receiver, now_ms), now_ms)
    if not planned:
        print(f"Receiver {receiver} leads to nobody now.", file=sys.stderr)  # noqa: T201
        return 2
    told = await asyncio.gather(*(_told(configured, one, now_ms) for one in planned))
    for one in told:
        print(json.dumps(one, ensure_ascii=False))  # noqa: T201
    return 0 if all(one["state"] == "sent" for one in told) else 1


async def _told(configured: Configured, planned: Planned, now_ms: int) -> dict[str, Any]:
    began, to = clock.elapsed(), planned.destination
    recipient = configured.recipient(to, now_ms) if to.person else None
    target = Target(to.receiver, to.name, configured.channel(to), recipient)
    outcome = await attempt(target, replace(planned.notice, recipient=recipient))
    failed = "" if isinstance(outcome, Delivered) else ": ".join(filter(None, (outcome.reason, outcome.detail)))
    return {
        "destination": to.name,
        "channel": to.kind,
        "state": "failed" if failed else "sent",
        "reason": failed or None,
        "latency_ms": round((clock.elapsed() - began) * 1000, 1),
    }


def _tells_administrators(ways: Sequence[Way]) -> bool:
    return any(to.admins for way in ways for to in way.to)


if __name__ == "__main__":
    raise SystemExit(main())
