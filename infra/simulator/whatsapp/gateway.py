"""The gateway itself: sessions, the application's queue before it, messages under way. It moves when it is told the
time, and tells what happened since."""

import heapq
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import Any, Literal

from infra.simulator.whatsapp.messages import ACK_NAMES, FAILED, PENDING, SERVER, Message, fate, message_id
from infra.simulator.whatsapp.traffic import arrivals

State = Literal["STOPPED", "STARTING", "SCAN_QR_CODE", "WORKING", "FAILED"]
ENGINE, VERSION = "NOWEB", "2026.10.1"
STARTING_MS = 5_000
KEPT_MESSAGES = 20_000


@dataclass(frozen=True)
class Plan:
    """What is simulated."""

    seed: str = "0"
    sessions: tuple[str, ...] = ("default",)
    per_minute: float = 6.0
    """Messages of the billing application in an ordinary minute; 0: it is silent."""
    most_per_second: float = 2.0
    """How fast the queue empties."""
    api_key: str = "kunci-waha"
    webhook_key: str = "rahasia-waha"


@dataclass
class Account:
    """One session."""

    state: State
    linked: bool = True
    """Whether WhatsApp knows it: after a logout it does not, whatever the state says."""
    starting_since_ms: int = 0


@dataclass(frozen=True, order=True)
class Happening:
    """Something that a webhook tells: when, what, and the payload."""

    at_ms: int
    number: int
    event: str
    session: str
    payload: tuple[tuple[str, Any], ...]


class Gateway:
    """Call `advance` before asking or changing anything: all of it is as of then."""

    def __init__(self, plan: Plan, now_ms: int) -> None:
        self.plan, self.now_ms, self.started_ms = plan, now_ms, now_ms
        self.accounts = {name: Account("WORKING") for name in plan.sessions}
        self.queue: deque[Message] = deque()
        self.messages: OrderedDict[str, Message] = OrderedDict()
        self.queue_is_stuck = False
        self.counted: Counter[tuple[str, str]] = Counter()
        """By (kind, status): the truth that metrics are compared with."""
        self.happened: deque[Happening] = deque(maxlen=KEPT_MESSAGES)
        """Not told yet; whoever tells takes them out."""
        self._due: list[tuple[int, int, str, int]] = []
        self._number = self._happenings = 0
        self._free_ms = float(now_ms)

    def advance(self, now_ms: int) -> None:
        """Let the time pass up to `now_ms`."""
        for arrival in arrivals(self.plan.seed, self.plan.per_minute, self.now_ms, now_ms):
            self.queue.append(self._message(arrival.chat, f"Pesan {arrival.kind}", arrival.kind, arrival.at_ms))
        while self.queue and not self.queue_is_stuck:
            leaves = max(self.queue[0].queued_ms, self._free_ms)
            if leaves > now_ms:
                break
            self._free_ms = leaves + 1000 / self.plan.most_per_second
            self._leave(self.queue.popleft(), round(leaves))
        for name, account in self.accounts.items():
            if account.state == "STARTING" and now_ms - account.starting_since_ms >= STARTING_MS:
                self._become(name, "WORKING" if account.linked else "SCAN_QR_CODE", now_ms)
        while self._due and self._due[0][0] <= now_ms:
            at, _, name, ack = heapq.heappop(self._due)
            self._acknowledged(self.messages.get(name), ack, at)
        self.now_ms = now_ms

    def send(self, session: str, chat: str, text: str, kind: str = "api") -> Message:
        """`/api/sendText`: it leaves at once. KeyError without such a session."""
        assert self.accounts[session] is not None
        message = self._message(chat, text, kind, self.now_ms, session)
        self._leave(message, self.now_ms)
        return message

    def log_out(self, session: str = "default", *, noticed: bool = False) -> None:
        """Somebody unlinked the device. Unless `noticed`, the gateway goes on saying WORKING, and nothing arrives."""
        self.accounts[session].linked = False
        if noticed:
            self._become(session, "SCAN_QR_CODE", self.now_ms)

    def log_in(self, session: str = "default") -> None:
        """The QR code is scanned."""
        self.accounts[session].linked = True
        self._become(session, "WORKING", self.now_ms)

    def start(self, session: str) -> None:
        """It starts; whether it works then depends on whether it is linked."""
        self.accounts[session].starting_since_ms = self.now_ms
        self._become(session, "STARTING", self.now_ms)

    def stop(self, session: str) -> None:
        """It stops."""
        self._become(session, "STOPPED", self.now_ms)

    def fail(self, session: str = "default") -> None:
        """It breaks, and says so."""
        self._become(session, "FAILED", self.now_ms)

    def stick(self) -> None:
        """The application's worker hangs: what is queued stays."""
        self.queue_is_stuck = True

    def release(self) -> None:
        """It goes on, from now."""
        self.queue_is_stuck = False
        self._free_ms = max(self._free_ms, float(self.now_ms))

    def oldest_ms(self) -> int | None:
        """Since when the oldest waits; None if none does."""
        return self.queue[0].queued_ms if self.queue else None

    def _message(self, chat: str, text: str, kind: str, at_ms: int, session: str | None = None) -> Message:
        self._number += 1
        name = message_id(self.plan.seed, chat, self._number)
        return Message(name, chat, text, kind, at_ms, session or next(iter(self.accounts)))

    def _leave(self, message: Message, at_ms: int) -> None:
        account = self.accounts[message.session]
        message.left_ms = at_ms
        reaches = account.linked and account.state == "WORKING"
        message.steps = fate(self.plan.seed, message.id, at_ms, reaches_whatsapp=reaches)
        self.messages[message.id] = message
        while len(self.messages) > KEPT_MESSAGES:
            self.messages.popitem(last=False)
        if account.state == "WORKING":
            self._happen(at_ms, "message.any", message.session, describe(message, PENDING))
        for at, ack in message.steps:
            heapq.heappush(self._due, (at, len(self._due), message.id, ack))

    def _acknowledged(self, message: Message | None, ack: int, at_ms: int) -> None:
        if message is None:
            return
        if ack in (FAILED, SERVER):
            self.counted[message.kind, "failed" if ack == FAILED else "sent"] += 1
        elif ack > SERVER:
            self.counted[message.kind, "delivered" if ack == SERVER + 1 else "read"] += 1
        self._happen(at_ms, "message.ack", message.session, describe(message, ack))

    def _become(self, session: str, state: State, at_ms: int) -> None:
        account = self.accounts[session]
        if account.state != state:
            account.state = state
            self._happen(at_ms, "session.status", session, {"name": session, "status": state})

    def _happen(self, at_ms: int, event: str, session: str, payload: dict[str, Any]) -> None:
        self._happenings += 1
        self.happened.append(Happening(at_ms, self._happenings, event, session, tuple(payload.items())))


def describe(message: Message, ack: int) -> dict[str, Any]:
    """A message as WAHA tells it."""
    left = message.left_ms if message.left_ms is not None else message.queued_ms
    return {
        "id": message.id,
        "timestamp": left // 1000,
        "from": message.chat,
        "fromMe": True,
        "source": "api",
        "to": message.chat,
        "participant": None,
        "body": message.text,
        "hasMedia": False,
        "ack": ack,
        "ackName": ACK_NAMES[ack],
    }
