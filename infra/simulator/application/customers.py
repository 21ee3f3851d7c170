"""What stands in the books of the billing application: rows that follow from the provider and the time."""

from collections.abc import Iterator
from datetime import UTC, datetime

from infra.simulator.provider import Provider
from infra.simulator.routeros.router import Router
from infra.simulator.routeros.subscribers import DAY_MS, LOCAL_OFFSET_MS, Subscriber, chance

MONTHLY = {"10M": 150_000, "20M": 220_000, "50M": 350_000}
"""Rupiah a month by profile."""
VOUCHERS = {"1jam": 3_000, "harian": 8_000, "mingguan": 35_000}
"""Rupiah by profile."""
METHODS = ("qris", "transfer", "cash")
VOUCHERS_EACH = 3
STAFF = (("Kasir", "cashier"), ("Teknisi", "technician"), ("Admin", "admin"), ("Pemilik", "owner"))
HISTORY_DAYS = 31

Row = tuple[object, ...]


def subscribers(provider: Provider) -> list[Subscriber]:
    """All customers, router by router, as the routers have them."""
    return [one for plan in provider.plans for one in Router(plan, 0).subscribers]


def number_of(subscriber: Subscriber) -> str:
    """The customer's WhatsApp number: of a range that nobody has."""
    return f"62800{int(chance(subscriber.seed, subscriber.name, 'number') * 10**8):08d}"


def admin_users() -> Iterator[Row]:
    """Rows of `admin_users`."""
    for number, (name, role) in enumerate(STAFF, 1):
        yield number, name, f"{role}@example.net", f"6280000000{number:02d}", role, True


def pppoe_users(customers: list[Subscriber], at_ms: int) -> Iterator[Row]:
    """Rows of `pppoe_users`: one for each PPPoE subscriber, who came within the last two years."""
    for one in customers:
        if one.service == "pppoe":
            since = at_ms - round(730 * DAY_MS * chance(one.seed, one.name, "joined"))
            router = one.name.rpartition("-")[0]
            yield one.name, router, one.profile, MONTHLY[one.profile], "active", number_of(one), instant(since)


def vouchers(customers: list[Subscriber], at_ms: int) -> Iterator[Row]:
    """Rows of `vouchers`: some for each hotspot user."""
    for one in customers:
        if one.service != "hotspot":
            continue
        for number in range(VOUCHERS_EACH):
            state = chance(one.seed, one.name, "voucher", number)
            status = "active" if state < 0.35 else "expired" if state < 0.7 else "unused"
            made = at_ms - round(20 * DAY_MS * chance(one.seed, one.name, "made", number))
            used = None if status == "unused" else instant(made + (at_ms - made) // 2)
            yield f"{one.name}-{number}", one.profile, VOUCHERS[one.profile], status, instant(made), used


def payments(customers: list[Subscriber], at_ms: int) -> Iterator[Row]:
    """Rows of `payments` (payer, kind, method, amount, status, created_at) of the last month, before `at_ms`."""
    first = (at_ms + LOCAL_OFFSET_MS) // DAY_MS * DAY_MS - LOCAL_OFFSET_MS - HISTORY_DAYS * DAY_MS
    for one in customers:
        # Bills are paid once a month, vouchers each few days; in the daytime.
        every = 30 if one.service == "pppoe" else 4
        for day in range(int(every * chance(one.seed, one.name, "due")), HISTORY_DAYS + 1, every):
            paid = first + day * DAY_MS + round((8 + 13 * chance(one.seed, one.name, "hour", day)) * 3_600_000)
            if paid < at_ms:
                yield (*payment(one, paid), "paid", instant(paid))


def payment(one: Subscriber, at_ms: int) -> tuple[str, str, str, int]:
    """(payer, kind, method, amount) of a payment of that customer."""
    method = METHODS[int(len(METHODS) * chance(one.seed, one.name, "method", at_ms // DAY_MS))]
    if one.service == "pppoe":
        return one.name, "subscription", method, MONTHLY[one.profile]
    return one.name, "voucher", method, VOUCHERS[one.profile]


def instant(at_ms: int) -> datetime:
    """The same as an aware datetime."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
