"""Messages and their fate: all of it follows from the seed, the message's number and when it left."""

import hashlib
import random
from dataclasses import dataclass

PENDING, SERVER, DEVICE, READ = 0, 1, 2, 3
FAILED = -1
ACK_NAMES = {-1: "ERROR", 0: "PENDING", 1: "SERVER", 2: "DEVICE", 3: "READ", 4: "PLAYED"}


@dataclass
class Message:
    """One message on its way."""

    id: str
    chat: str
    text: str
    kind: str
    """What the application calls it, e.g. `invoice`."""
    queued_ms: int
    session: str = "default"
    left_ms: int | None = None
    """When the gateway took it; None while it waits."""
    steps: tuple[tuple[int, int], ...] = ()
    """(instant in ms, acknowledgement): what becomes of it."""

    def ack(self, now_ms: int) -> int:
        """How far it has come."""
        return next((ack for at, ack in reversed(self.steps) if at <= now_ms), PENDING)


def message_id(seed: str, chat: str, number: int) -> str:
    """As WAHA names what it sent."""
    digest = hashlib.sha256(f"{seed}/{chat}/{number}".encode()).hexdigest().upper()
    return f"true_{chat}_{digest[:22]}"


def fate(seed: str, message: str, left_ms: int, *, reaches_whatsapp: bool) -> tuple[tuple[int, int], ...]:
    """What becomes of a message that leaves then. Without WhatsApp it stays pending for ever, as nobody is told."""
    if not reaches_whatsapp:
        return ()
    chance = random.Random(f"{seed}/{message}")  # noqa: S311
    server = left_ms + chance.randint(150, 900)
    if chance.random() < 0.01:
        return ((server, FAILED),)
    steps = [(server, SERVER)]
    # Some telephones are off for hours.
    device = server + (chance.randint(400, 9_000) if chance.random() < 0.95 else chance.randint(600_000, 20_000_000))
    steps.append((device, DEVICE))
    if chance.random() < 0.7:
        steps.append((device + chance.randint(2_000, 900_000), READ))
    return tuple(steps)
