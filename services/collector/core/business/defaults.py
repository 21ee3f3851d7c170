"""The specification's figures, for an application that has its tables: vouchers, pppoe_users, payments.

"Today" begins at midnight in the time zone of the settings. Revenue and growth are counted anew from then on, as
counters that start over: their increase over any time is right.
"""

from typing import NamedTuple

from services.collector.core.business.answers import Wanted
from shared.metrics import Metric

ACTIVE_USERS = Metric(
    "active_users_total", "gauge", "", "Active users, as the application has them; type is hotspot or pppoe", ("type",)
)
SUBSCRIPTIONS = Metric("business_active_subscriptions", "gauge", "", "Subscriptions in force")
REVENUE = Metric("business_daily_revenue_total", "counter", "rupiah", "Paid since midnight")
CONVERSION = Metric(
    "business_conversion_rate", "gauge", "percent", "Of the payments begun in the last 30 days, those that were paid"
)
GROWTH = Metric("business_customer_growth_total", "counter", "", "Customers who joined since midnight")

DURATION = Metric("business_query_duration_seconds", "gauge", "seconds", "How long the query took", ("query",))
ROWS = Metric("business_query_rows", "gauge", "", "Rows that the query answered", ("query",))

METRICS = (ACTIVE_USERS, SUBSCRIPTIONS, REVENUE, CONVERSION, GROWTH, DURATION, ROWS)


class Query(NamedTuple):
    """A query and what is made of its answer."""

    sql: str
    wanted: tuple[Wanted, ...]


def _value(sql: str, metric: Metric) -> Query:
    return Query(sql, (Wanted(metric, "value"),))


DEFAULTS: dict[str, Query] = {
    "active_users_hotspot": _value(
        "SELECT 'hotspot' AS type, count(*) AS value FROM vouchers WHERE status = 'active'", ACTIVE_USERS
    ),
    "active_users_pppoe": _value(
        "SELECT 'pppoe' AS type, count(*) AS value FROM pppoe_users WHERE status = 'active'", ACTIVE_USERS
    ),
    "active_subscriptions": _value("SELECT count(*) AS value FROM pppoe_users WHERE status = 'active'", SUBSCRIPTIONS),
    "daily_revenue": _value(
        "SELECT coalesce(sum(amount), 0) AS value FROM payments\n"
        "WHERE status = 'paid' AND created_at >= date_trunc('day', now())",
        REVENUE,
    ),
    "conversion_rate": _value(
        "SELECT 100.0 * count(*) FILTER (WHERE status = 'paid') / nullif(count(*), 0) AS value FROM payments\n"
        "WHERE created_at >= now() - interval '30 days'",
        CONVERSION,
    ),
    "customer_growth": _value(
        "SELECT count(*) AS value FROM pppoe_users WHERE created_at >= date_trunc('day', now())", GROWTH
    ),
}
