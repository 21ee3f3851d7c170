"""The business' figures on the overview."""

import math

from services.api.core.bodies import ActiveUsersBody, BusinessBody
from services.api.core.business import BusinessView
from services.api.core.system import LOOKBACK_MS
from services.collector.core.business import defaults
from shared.messages.samples import Sample, SampleBatch

NOW = 1_700_000_000_000


def view(*values: tuple[str, float], at: int = NOW, into: BusinessView | None = None) -> BusinessView:
    made = into or BusinessView()
    made.put(SampleBatch.of("collector/web-1/business/x", [Sample(series, at, value) for series, value in values]))
    return made


def test_the_collectors_figures_are_shown() -> None:
    metrics = (defaults.REVENUE, defaults.SUBSCRIPTIONS, defaults.CONVERSION, defaults.GROWTH)
    found = view(*((metric.name, value) for metric, value in zip(metrics, (5e6, 80, 91.5, 3), strict=True)))
    assert found.business(NOW) == BusinessBody(
        daily_revenue=5e6, active_subscriptions=80, conversion_rate=91.5, customer_growth=3
    )
    assert found.active_users(NOW) == ActiveUsersBody()


def test_what_nobody_reports_or_reports_no_more_is_not_shown() -> None:
    assert BusinessView().business(NOW) == BusinessBody()
    found = view(("business_daily_revenue_total", 5e6))
    assert found.business(NOW + LOOKBACK_MS - 1).daily_revenue == 5e6
    assert found.business(NOW + LOOKBACK_MS).daily_revenue is None
    ended = view(("business_daily_revenue_total", math.nan), at=NOW + 1, into=found)
    assert ended.business(NOW + 1).daily_revenue is None


def test_several_applications_are_added_up_and_older_samples_change_nothing() -> None:
    found = view(('business_daily_revenue_total{city="a"}', 5e6), ('business_daily_revenue_total{city="b"}', 1e6))
    view(('business_daily_revenue_total{city="a"}', 1.0), at=NOW - 1, into=found)
    assert found.business(NOW).daily_revenue == 6e6


def test_users_are_the_applications_else_the_routers() -> None:
    found = view(
        ('mikrotik_active_users{router="a",service="pppoe"}', 10),
        ('mikrotik_active_users{router="b",service="pppoe"}', 5),
        ('mikrotik_active_users{router="b",service="hotspot"}', 2),
    )
    assert found.active_users(NOW) == ActiveUsersBody(hotspot=2, pppoe=15)
    view(('active_users_total{type="pppoe"}', 20), into=found)
    assert found.active_users(NOW) == ActiveUsersBody(hotspot=2, pppoe=20)
