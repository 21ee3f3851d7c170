"""How deliveries go: a fold over `pantau.notifications`."""

import math
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.api.core.receiver_bodies import DestinationBody, FailureBody, ReceiverBody
from shared.messages.notifications import Notification
from shared.routing.receivers import Receiver

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MOST_DESTINATIONS = 10_000
MOST_LATENCIES = 1_000
MOST_WAITING = 100_000


@dataclass
class _Hour:
    """What became of deliveries in an hour, by notification."""

    sent: int = 0
    failed: int = 0
    muted: int = 0


@dataclass
class _Destination:
    receiver: str
    channel: str
    last_sent_ms: int | None = None
    failure: FailureBody | None = None
    failing: bool = False
    hours: dict[int, _Hour] = field(default_factory=dict)
    latencies: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=MOST_LATENCIES))
    waiting: dict[str, int] = field(default_factory=dict)

    def hour(self, at_ms: int) -> _Hour:
        number = at_ms // HOUR_MS
        for old in [one for one in self.hours if one <= number - 25]:
            del self.hours[old]
        return self.hours.setdefault(number, _Hour())


class Deliveries:
    """What is known of each destination. A message that comes twice counts once: the last state of an id is kept for
    as long as it can come again."""

    def __init__(self) -> None:
        self._destinations: OrderedDict[str, _Destination] = OrderedDict()
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._waiting = 0

    def put(self, one: Notification) -> None:
        """Take a step of a delivery. What mutes an alert for everybody is about no receiver."""
        if not one.receiver:
            return
        name = one.destination or f"{one.receiver}/{one.channel}"
        held = self._destinations.get(name)
        if held is None:
            held = self._destinations[name] = _Destination(one.receiver, one.channel)
            if len(self._destinations) > MOST_DESTINATIONS:
                self._waiting -= len(self._destinations.popitem(last=False)[1].waiting)
        self._destinations.move_to_end(name)
        if one.muted_by:
            held.hour(one.at).muted += 1
            self._settle(held, one.id)
        elif one.state in ("planned", "unknown"):
            if one.id not in self._ended and one.id not in held.waiting and self._waiting < MOST_WAITING:
                held.waiting[one.id] = one.at
                self._waiting += 1
        else:
            self._end(held, one)

    def _end(self, held: _Destination, one: Notification) -> None:
        self._settle(held, one.id)
        if self._ended.get(one.id) == one.state:
            return
        self._ended[one.id] = one.state
        if len(self._ended) > MOST_WAITING:
            self._ended.popitem(last=False)
        held.failing = one.state == "failed"
        if one.state == "failed":
            held.hour(one.at).failed += 1
            held.failure = FailureBody(at=one.at, reason=one.reason)
            return
        held.hour(one.at).sent += 1
        held.last_sent_ms = one.at
        if one.latency_ms is not None:
            held.latencies.append((one.at, one.latency_ms))

    def _settle(self, held: _Destination, id: str) -> None:
        if held.waiting.pop(id, None) is not None:
            self._waiting -= 1

    def bodies(self, receivers: Iterable[Receiver], now_ms: int) -> list[ReceiverBody]:
        """The receivers of the configuration, in its order, then those that something was sent to before."""
        configured = {one.name: list(dict.fromkeys(way.kind for way in one.integrations)) for one in receivers}
        by_receiver: dict[str, list[DestinationBody]] = {name: [] for name in configured}
        for name, one in sorted(self._destinations.items()):
            by_receiver.setdefault(one.receiver, []).append(_body(name, one, now_ms))
        return [
            ReceiverBody(
                name=name, channels=configured.get(name, []), configured=name in configured, destinations=destinations
            )
            for name, destinations in by_receiver.items()
        ]


def quantile(values: list[float], q: float) -> float | None:
    """The smallest value that at least a share of `q` does not exceed; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def _body(name: str, one: _Destination, now_ms: int) -> DestinationBody:
    since_ms = now_ms - DAY_MS
    hours = [hour for number, hour in one.hours.items() if (number + 1) * HOUR_MS > since_ms]
    latencies = [latency for at_ms, latency in one.latencies if at_ms >= since_ms]
    return DestinationBody(
        destination=name,
        channel=one.channel,
        last_sent=one.last_sent_ms,
        last_failure=one.failure,
        failing=one.failing,
        waiting=len(one.waiting),
        waiting_since=min(one.waiting.values(), default=None),
        sent=sum(hour.sent for hour in hours),
        failed=sum(hour.failed for hour in hours),
        muted=sum(hour.muted for hour in hours),
        p50_ms=quantile(latencies, 0.5),
        p95_ms=quantile(latencies, 0.95),
    )
