"""HTTP traffic of the recent past, from counters."""

import pytest

from services.api.core.traffic import TrafficView
from shared.messages.samples import Sample, SampleBatch

MINUTE = 60_000
NOW = 1_700_000_040_000 // MINUTE * MINUTE


def counters(at: int, source: str = "one", **by_status: tuple[float, float]) -> SampleBatch:
    """`s200=(count, seconds)`: counters as of `at`."""
    samples = [Sample(f'http_active_connections{{instance="{source}"}}', at, 3)]
    for status, (count, seconds) in by_status.items():
        labels = f'{{instance="{source}",method="GET",route="/x",status_code="{status[1:]}"}}'
        samples += [
            Sample(f"http_requests_total{labels}", at, count, "counter"),
            Sample(f"http_request_duration_seconds_count{labels}", at, count, "histogram"),
            Sample(f"http_request_duration_seconds_sum{labels}", at, seconds, "histogram"),
        ]
    return SampleBatch.of(f"api/{source}", samples)


def test_nothing_is_known_of_a_single_reading() -> None:
    view = TrafficView(30)
    view.put(counters(NOW, s200=(1000, 50)))
    body = view.application(NOW)
    assert (body.request_rate_per_minute, body.response_time_ms, body.active_connections) == (None, None, 3)


def test_rates_are_increases() -> None:
    view = TrafficView(30)
    view.put(counters(NOW - 2 * MINUTE, s200=(1000, 50)))
    view.put(counters(NOW - MINUTE, s200=(1010, 51)))
    view.put(counters(NOW, s200=(1028, 52), s500=(2, 1)))  # the 500s are new: they began at zero
    body = view.application(NOW)
    assert body.request_rate_per_minute == pytest.approx(15)
    assert body.response_time_ms == pytest.approx(100)
    assert body.error_rate_percent == pytest.approx(100 * 2 / 30)


def test_a_restarted_process_counts_from_zero() -> None:
    view = TrafficView(30)
    view.put(counters(NOW - MINUTE, s200=(1000, 50)))
    view.put(counters(NOW, s200=(6, 3)))
    body = view.application(NOW)
    assert body.request_rate_per_minute == pytest.approx(6)
    assert body.response_time_ms == pytest.approx(500)


def test_sources_add_up_and_old_news_is_passed_over() -> None:
    view = TrafficView(30)
    for source in ("one", "two"):
        view.put(counters(NOW - MINUTE, source, s200=(0, 0)))
        view.put(counters(NOW, source, s200=(6, 0)))
        view.put(counters(NOW, source, s200=(6, 0)))
        view.put(counters(NOW - MINUTE, source, s200=(0, 0)))
    body = view.application(NOW)
    assert body.request_rate_per_minute == pytest.approx(12)
    assert body.active_connections == 6


def test_others_samples_are_not_ours() -> None:
    view = TrafficView(30)
    batch = counters(NOW - MINUTE, s200=(0, 0))
    view.put(SampleBatch.of("push/1", batch.samples()))
    assert view.application(NOW).active_connections is None


def test_a_dead_api_has_no_present() -> None:
    view = TrafficView(30)
    view.put(counters(NOW - MINUTE, s200=(0, 0)))
    view.put(counters(NOW, s200=(6, 0)))
    body = view.application(NOW + 6 * MINUTE)
    assert (body.request_rate_per_minute, body.active_connections) == (None, None)


def test_charts_have_a_point_a_minute() -> None:
    view = TrafficView(30)
    start = NOW - 5 * MINUTE
    view.put(counters(start, s200=(0, 0)))
    for quarter in range(1, 9):  # two minutes, a request every 15 s of 0.1 s
        view.put(counters(start + quarter * 15_000, s200=(quarter, quarter * 0.1)))
    view.put(counters(start + 3 * MINUTE, s200=(8, 0.8)))  # a quiet minute
    charts = view.charts(NOW)
    assert [point.time for point in charts.request_rates] == [start, start + MINUTE, start + 2 * MINUTE]
    assert [point.value for point in charts.request_rates] == [4, 4, 0]
    assert [point.value for point in charts.response_times] == [pytest.approx(100), pytest.approx(100), None]


def test_charts_forget() -> None:
    view = TrafficView(5)
    for minute in range(60):
        view.put(counters(NOW + minute * MINUTE, s200=(minute, 0)))
    assert len(view.charts(NOW + 60 * MINUTE).request_rates) <= 6
