"""A batch without samples, as alerting sends to say how far a group has come, tells api's views nothing."""

import pytest

from services.api.core.system import SystemView
from services.api.core.traffic import TrafficView
from shared.messages.samples import SampleBatch

AT = 1_795_428_900_000  # 2026-11-23T10:15:00Z


@pytest.mark.parametrize("source", ["alerting/cpu", "api/web-1:8080", "collector/web-1"])
def test_it_is_passed_over(source: str) -> None:
    batch = SampleBatch.decode(SampleBatch.of(source, [], group="cpu", evaluated=AT).encode())
    system, traffic = SystemView(), TrafficView(30)
    assert system.put(batch) is None
    traffic.put(batch)
    assert system.body(AT, None, "web-1") is None
    assert traffic.application(AT).request_rate_per_minute is None
    assert traffic.charts(AT).request_rates == []
