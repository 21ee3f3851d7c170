"""Who asks the application for what, and when: it follows from the seed, so that it is the same each time."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from infra.simulator.application.customers import number_of, payment
from infra.simulator.routeros.subscribers import DAY_MS, LOCAL_OFFSET_MS, Subscriber, chance

BUSIEST_HOUR = 19
QUIETEST_SHARE = 0.25


class Request(NamedTuple):
    """One request to the application."""

    at_ms: int
    method: str
    path: str
    body: dict[str, Any] | None = None


def busyness(at_ms: int) -> float:
    """How busy the time of day is, from the quietest share up to 1."""
    hour = (at_ms + LOCAL_OFFSET_MS) % DAY_MS / 3_600_000
    wave = (1 + math.cos(2 * math.pi * (hour - BUSIEST_HOUR) / 24)) / 2
    return QUIETEST_SHARE + (1 - QUIETEST_SHARE) * wave


def requests_between(
    customers: Sequence[Subscriber], seed: str, per_minute: float, since_ms: int, until_ms: int
) -> Iterator[Request]:
    """The requests in (since, until], in order. `per_minute` is the rate of the busiest time."""
    spacing = 60_000 / per_minute
    for number in range(math.floor(since_ms / spacing), math.floor(until_ms / spacing) + 1):
        at_ms = round((number + chance(seed, "moment", number)) * spacing)
        if since_ms < at_ms <= until_ms and chance(seed, "comes", number) < busyness(at_ms):
            yield _request(customers, seed, number, at_ms)


def _request(customers: Sequence[Subscriber], seed: str, number: int, at_ms: int) -> Request:
    customer = customers[int(len(customers) * chance(seed, "who", number))]
    kind = chance(seed, "what", number)
    if kind < 0.72:
        what = "customers" if customer.service == "pppoe" else "vouchers"
        return Request(at_ms, "GET", f"/{what}/{customer.name}{'' if what == 'customers' else '-0'}")
    if kind < 0.75:
        return Request(at_ms, "GET", f"/vouchers/{number % 1_000_000:06d}")  # mistyped: there is none
    if kind < 0.80:
        return Request(at_ms, "GET", f"/routers/{customer.name.rpartition('-')[0]}/customers")
    payer, what, method, amount = payment(customer, at_ms)
    body = {"payer": payer, "kind": what, "method": method, "amount": amount, "whatsapp": number_of(customer)}
    return Request(at_ms, "POST", "/payments", body)
