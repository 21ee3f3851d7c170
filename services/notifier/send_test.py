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
from typing import Any

from services.notifier.channels.registry import BadChannel
from services.notifier.configured import Configured, directory_of, routing_of, ways_of
from services.notifier.core.muting import Muting
from services.notifier.core.outcomes import Delivered
from services.notifier.core.trial import trial_notice
from services.notifier.direct import Target, attempt
from services.notifier.recipients import Recipients
from services.notifier.settings import Settings
from shared import clock
from shared.bus import Producer
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
    recipients = Recipients(directory_of(settings), settings.kafka.bootstrap, producer)
    configured = Configured(routing, ways_of(settings, routing), recipients, Muting(routing.inhibit_rules))
    try:
        if configured.tells_administrators(receiver):
            await _ask_bus(producer, recipients)
        return await _send(configured.targets([receiver], clock.now_ms()), settings, receiver)
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


async def _send(targets: Sequence[Target], settings: Settings, receiver: str) -> int:
    if not targets:
        print(f"Receiver {receiver} leads to nobody now.", file=sys.stderr)  # noqa: T201
        return 2
    language, request = settings.notifications.wording.language, uuid.uuid4().hex
    told = await asyncio.gather(*(_told(one, language, request) for one in targets))
    for one in told:
        print(json.dumps(one, ensure_ascii=False))  # noqa: T201
    return 0 if all(one["state"] == "sent" for one in told) else 1


async def _told(target: Target, language: Any, request: str) -> dict[str, Any]:
    began = clock.elapsed()
    notice = trial_notice(request, target.receiver, target.destination, target.recipient, language, clock.now_ms())
    outcome = await attempt(target, notice)
    sent = isinstance(outcome, Delivered)
    reason = None if isinstance(outcome, Delivered) else ": ".join(filter(None, (outcome.reason, outcome.detail)))
    return {
        "destination": target.destination,
        "channel": target.channel.kind,
        "state": "sent" if sent else "failed",
        "reason": reason,
        "latency_ms": round((clock.elapsed() - began) * 1000, 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
