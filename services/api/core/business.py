"""The business' figures and who is online, from the latest samples of a few metrics, whoever sent them."""

import math
from typing import NamedTuple

from services.api.core.bodies import ActiveUsersBody, BusinessBody
from services.api.core.system import LOOKBACK_MS
from shared.messages.samples import SampleBatch
from shared.messages.series import NAME, Labels, labels_of

REVENUE = "business_daily_revenue_total"
SUBSCRIPTIONS = "business_active_subscriptions"
CONVERSION = "business_conversion_rate"
GROWTH = "business_customer_growth_total"
# As the application has them; where it is not asked, as the routers count their sessions.
USERS, USERS_TYPE = "active_users_total", "type"
SESSIONS, SESSIONS_TYPE = "mikrotik_active_users", "service"
METRICS = frozenset({REVENUE, SUBSCRIPTIONS, CONVERSION, GROWTH, USERS, SESSIONS})
# A fleet of 20,000 routers has two each.
MOST_SERIES = 50_000


class _Latest(NamedTuple):
    labels: Labels
    at_ms: int
    value: float


class BusinessView:
    """The latest sample of each series of METRICS."""

    def __init__(self) -> None:
        self._latest: dict[str, dict[str, _Latest]] = {metric: {} for metric in METRICS}

    def put(self, batch: SampleBatch) -> None:
        """Take what a batch holds of these metrics."""
        wanted = {number: name for number, key in enumerate(batch.series) if (name := key.partition("{")[0]) in METRICS}
        if not wanted:
            return
        index, times, values = batch.columns()
        for position, at, value in zip(index.tolist(), times.tolist(), values.tolist(), strict=True):
            if position in wanted:
                self._take(wanted[position], batch.series[position], at, value)

    def business(self, now_ms: int) -> BusinessBody:
        """The present figures; those that nobody reports are None."""
        subscriptions = self._sum(SUBSCRIPTIONS, now_ms)
        rates = self._present(CONVERSION, now_ms)
        return BusinessBody(
            daily_revenue=self._sum(REVENUE, now_ms),
            active_subscriptions=None if subscriptions is None else round(subscriptions),
            conversion_rate=max(rates, key=lambda one: one.at_ms).value if rates else None,
            customer_growth=self._sum(GROWTH, now_ms),
        )

    def active_users(self, now_ms: int) -> ActiveUsersBody:
        """Who is online at present, by kind."""
        return ActiveUsersBody(hotspot=self._users("hotspot", now_ms), pppoe=self._users("pppoe", now_ms))

    def _users(self, kind: str, now_ms: int) -> int | None:
        for metric, label in ((USERS, USERS_TYPE), (SESSIONS, SESSIONS_TYPE)):
            count = self._sum(metric, now_ms, label, kind)
            if count is not None:
                return round(count)
        return None

    def _sum(self, metric: str, now_ms: int, label: str = NAME, text: str | None = None) -> float | None:
        found = [one.value for one in self._present(metric, now_ms) if text is None or one.labels.get(label) == text]
        return math.fsum(found) if found else None

    def _present(self, metric: str, now_ms: int) -> list[_Latest]:
        return [one for one in self._latest[metric].values() if one.at_ms > now_ms - LOOKBACK_MS]

    def _take(self, metric: str, key: str, at_ms: int, value: float) -> None:
        series = self._latest[metric]
        known = series.get(key)
        if known is not None and known.at_ms >= at_ms:
            return
        if not math.isfinite(value):  # among them what says that a series has ended
            series.pop(key, None)
            return
        if known is None and len(series) >= MOST_SERIES:
            self._latest[metric] = series = {key: one for key, one in series.items() if one.at_ms > at_ms - LOOKBACK_MS}
            if len(series) >= MOST_SERIES:
                return
        series[key] = _Latest(labels_of(key), at_ms, value)
