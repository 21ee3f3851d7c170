"""Counting without pushing: requests, queries, messages, metrics of one's own."""

import logging

import pytest
from pantau import Pantau, Settings
from pantau.requests import MOST_ROUTES, Entry, Exchange, Requests
from prometheus_client import CollectorRegistry


@pytest.fixture
def pantau() -> Pantau:
    return Pantau(Settings("billing"), others=())


def value(pantau: Pantau, name: str, **labels: str) -> float | None:
    return pantau.registry.get_sample_value(name, labels)


def exchange(route: str | None = "/x", status: int = 200, method: str = "GET") -> Exchange:
    return Exchange(1_000, method, route, status, 10, 20, "Mozilla/5.0", "203.0.113.7")


def test_without_a_url_it_counts_and_does_nothing_else(pantau: Pantau) -> None:
    pantau.start()
    pantau.push("m", 1)
    pantau.whatsapp_sent("invoice")
    pantau.close()
    assert value(pantau, "whatsapp_messages_total", type="invoice", status="sent") == 1


def test_requests(pantau: Pantau, caplog: pytest.LogCaptureFixture) -> None:
    pantau.requests.record(exchange(), 0.2)
    pantau.requests.record(exchange(), 1.0)
    assert not caplog.records
    pantau.requests.record(exchange(), 1.001)
    assert caplog.messages == ["slow request: GET /x took 1001 ms (200)"]
    labels = {"method": "GET", "route": "/x", "status_code": "200"}
    assert value(pantau, "http_requests_total", **labels) == 3
    assert value(pantau, "http_request_duration_seconds_sum", **labels) == pytest.approx(2.201)
    assert value(pantau, "http_request_duration_seconds_bucket", le="0.25", **labels) == 1


def test_clients_make_no_series(pantau: Pantau) -> None:
    for number in range(MOST_ROUTES + 10):
        pantau.requests.record(exchange(f"/{number}", method=f"M{number}"), 0)
    pantau.requests.record(exchange(None), 0)
    assert value(pantau, "http_requests_total", method="OTHER", route="/0", status_code="200") == 1
    assert value(pantau, "http_requests_total", method="OTHER", route="other", status_code="200") == 10


def test_lines_of_the_request_log() -> None:
    entries: list[Entry] = []
    requests = Requests(CollectorRegistry(), Settings("billing"), entries.append)
    for _ in range(2):
        requests.record(exchange(), 0.25)
    first, second = entries
    assert first.id != second.id
    assert first[1:] == ("GET", "/x", 200, 250.0, 10, 20, "Mozilla/5.0", "203.0.113.7", 1_000)
    requests.forked()
    requests.record(exchange(), 0.25)
    assert entries[2].id not in (first.id, second.id), "a forked process has ids of its own"


def test_who_asked_may_be_left_out() -> None:
    entries: list[Entry] = []
    Requests(CollectorRegistry(), Settings("b", client_addresses=False), entries.append).record(exchange(), 0)
    assert (entries[0].user_agent, entries[0].ip_address) == (None, None)


def test_queries(pantau: Pantau, caplog: pytest.LogCaptureFixture) -> None:
    pantau.queries.record_statement("SELECT secret FROM customers WHERE name = 'Budi'", 0.5)
    labels = {"query_type": "select", "table": "customers"}
    assert value(pantau, "database_slow_queries_total", **labels) == 0
    assert not caplog.records
    pantau.queries.record_statement("SELECT secret FROM customers WHERE name = 'Budi'", 0.501)
    assert caplog.messages == ["slow query: select on customers took 501 ms"]
    assert value(pantau, "database_query_duration_seconds_count", **labels) == 2
    assert value(pantau, "database_slow_queries_total", **labels) == 1


def test_what_is_timed_by_hand_may_fail(pantau: Pantau) -> None:
    with pytest.raises(ZeroDivisionError), pantau.timed_query("select", "customers"):
        _ = 1 / 0
    assert value(pantau, "database_query_duration_seconds_count", query_type="select", table="customers") == 1


def test_metrics_of_ones_own(pantau: Pantau) -> None:
    pantau.counter("vouchers_sold_total", "Sold", ["plan"]).labels("daily").inc()
    pantau.counter("vouchers_sold_total", "Sold", ["plan"]).labels("daily").inc()
    assert value(pantau, "vouchers_sold_total", plan="daily") == 2
    with pytest.raises(ValueError, match="is a counter already"):
        pantau.gauge("vouchers_sold_total", "Sold")


def test_what_is_wrong_inside_is_counted_and_told_once(pantau: Pantau, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for _ in range(3):
        pantau.queries.record_statement(None, 1)  # type: ignore[arg-type]
    assert value(pantau, "pantau_sdk_errors_total", where="query") == 3
    assert len(caplog.records) == 1
