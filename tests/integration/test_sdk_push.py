"""How the SDK pushes: in the background, in batches, again after trouble, within bounds, and never in anybody's way."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from pantau import Pantau, Settings, delivery, verdicts
from pantau.requests import Exchange
from prometheus_client import CollectorRegistry

from infra.local import ports
from shared import clock
from tests.conftest import clean_environment, eventually
from tests.integration.sdk_intake import METRICS, Intake, Reply, intake


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(verdicts, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(verdicts, "LONGEST_WAIT_SECONDS", 0.05)


@pytest.fixture
def api() -> Iterator[Intake]:
    with intake() as found:
        yield found


@contextmanager
def pushing(url: str, others: Sequence[CollectorRegistry] = (), **named: Any) -> Iterator[Pantau]:
    """A Pantau that pushes there, soon."""
    settings: dict[str, Any] = {"service": "billing", "token": "pantau_t", "push_seconds": 0.05, "timeout_seconds": 0.3}
    pantau = Pantau(Settings(**settings | {"url": url} | named), others)
    pantau.start()
    try:
        yield pantau
    finally:
        pantau.close(5)


async def until(look: Callable[[], Any]) -> Any:
    async def asked() -> Any:
        return look()

    return await eventually(asked)


def count(pantau: Pantau, name: str, **labels: str) -> float:
    return pantau.registry.get_sample_value(name, labels) or 0.0


async def test_metrics_are_read_again_and_again_on_one_connection(api: Intake) -> None:
    with pushing(api.url, instance="web-1", labels={"site": "bandung"}) as pantau:
        sold = pantau.counter("vouchers_sold_total", "Sold")
        sold.inc()
        await until(lambda: api.samples("vouchers_sold_total"))
        sold.inc()
        await until(lambda: [one for one in api.samples("vouchers_sold_total") if one["value"] == 2])
        first = api.samples("vouchers_sold_total")[0]
        assert first["labels"] == {"job": "billing", "instance": "web-1", "site": "bandung"}
        assert first["metric_type"] == "counter"
        assert len(api.connections) == 1
        assert api.attempts[0][1]["Authorization"] == "Bearer pantau_t"


async def test_what_is_left_goes_out_at_the_end(api: Intake) -> None:
    at = clock.now_ms() - 60_000
    with pushing(api.url, push_seconds=1_000) as pantau:
        pantau.whatsapp_sent("invoice")
        pantau.push("revenue_rupiah", 150_000, {"city": "Bandung"}, time_ms=at)
    (revenue,) = api.samples("revenue_rupiah")
    assert (revenue["value"], revenue["timestamp"], revenue["labels"]["city"]) == (150_000, at, "Bandung")
    assert api.samples("whatsapp_messages_total")[-1]["value"] == 1


async def test_an_outage_delays_what_was_pushed_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    (port,) = ports.free(1)
    with pushing(f"http://127.0.0.1:{port}") as pantau:
        for number in range(20):
            pantau.push("during", number)
        await until(lambda: count(pantau, "pantau_sdk_push_failures_total") >= 3)
        with intake(port) as api:
            await until(lambda: len(api.samples("during")) == 20)
            assert [one["value"] for one in api.samples("during")] == list(range(20))
    assert len([one for one in caplog.messages if "can't push" in one]) == 1, "it is told once, not at each attempt"


async def test_the_oldest_is_given_up_when_an_outage_lasts(api: Intake) -> None:
    api.answer = lambda path, body: Reply(503, headers={"Retry-After": "0"})
    with pushing(api.url, most_waiting_bytes=20_000, push_seconds=0.03) as pantau:
        await until(lambda: count(pantau, "pantau_sdk_dropped_total", what="samples", reason="waiting_full"))
        assert 0 < count(pantau, "pantau_sdk_waiting_bytes") <= 20_000
        api.answer = lambda path, body: Reply()
        await until(lambda: count(pantau, "pantau_sdk_sent_total", what="samples"))


async def test_what_the_bus_no_longer_keeps_is_not_sent(api: Intake) -> None:
    with pushing(api.url, push_seconds=1_000) as pantau:
        pantau.push("old", 1, time_ms=clock.now_ms() - 4 * 86_400_000)
        await until(lambda: count(pantau, "pantau_sdk_dropped_total", what="samples", reason="too_old") == 1)
    assert not api.samples("old")


async def test_more_than_the_thread_can_fetch_is_counted(api: Intake) -> None:
    with pushing(api.url, most_waiting_requests=10, push_seconds=1_000) as pantau:
        for number in range(1_000):
            pantau.push("many", number)
    sent = len(api.samples("many"))
    lost = count(pantau, "pantau_sdk_dropped_total", what="samples", reason="queue_full")
    assert sent + lost == 1_000
    assert lost > 0


@pytest.mark.parametrize(
    "reply",
    [Reply(503), Reply(429), Reply(500), Reply(401), Reply(302, headers={"Location": "http://127.0.0.1:9/"}),
     Reply(503, drip=True)],
    ids=lambda reply: f"{reply.status}{'-dripping' if reply.drip else ''}",
)  # fmt: skip
async def test_trouble_passes(api: Intake, reply: Reply) -> None:
    failures = iter([reply] * 3)
    api.answer = lambda path, body: next(failures, Reply())
    with pushing(api.url, push_seconds=1_000) as pantau:
        pantau.push("m", 1)
        assert len(await until(lambda: api.samples("m"))) == 1
        assert count(pantau, "pantau_sdk_push_failures_total") == 3


async def test_what_the_api_refuses_takes_nothing_else_with_it(api: Intake) -> None:
    def answer(path: str, body: Any) -> Reply:
        bad = [place for place, one in enumerate(body) if one["value"] < 0] if path == METRICS else []
        errors = [{"where": f"body[{place}].value", "reason": "below zero"} for place in bad]
        return Reply(422, {"detail": "no", "errors": errors[:2]}) if bad else Reply()

    api.answer = answer
    with pushing(api.url, push_seconds=1_000) as pantau:
        for value in (1, -1, 2, -2, -3, 3):
            pantau.push("m", value)
        await until(lambda: len(api.samples("m")) == 3)
        assert [one["value"] for one in api.samples("m")] == [1, 2, 3]
        assert count(pantau, "pantau_sdk_dropped_total", what="samples", reason="refused") == 3


async def test_what_is_too_long_for_a_proxy_goes_in_parts(api: Intake) -> None:
    api.answer = lambda path, body: Reply(413) if len(body) > 3 else Reply()
    with pushing(api.url, push_seconds=1_000) as pantau:
        for number in range(10):
            pantau.push("m", number)
        await until(lambda: len(api.samples("m")) == 10)
        assert [one["value"] for one in api.samples("m")] == list(range(10))


async def test_an_api_without_request_logs_still_gets_metrics(api: Intake) -> None:
    api.answer = lambda path, body: Reply() if path == METRICS else Reply(404)
    with pushing(api.url) as pantau:
        pantau.requests.record(Exchange(clock.now_ms(), "GET", "/x", 200), 0.1)
        await until(lambda: count(pantau, "pantau_sdk_dropped_total", what="requests", reason="refused") == 1)
        await until(lambda: api.samples("http_requests_total"))


async def test_a_collector_that_fails_does_not_end_pushing(api: Intake, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def collect(self) -> Any:
            raise RuntimeError("the application's own")

    theirs = CollectorRegistry()
    with pushing(api.url, others=(theirs,)) as pantau:
        theirs.register(Broken())
        pantau.counter("sold_total", "Sold").inc()
        await until(lambda: count(pantau, "pantau_sdk_errors_total", where="push") >= 2)
        await until(lambda: api.samples("sold_total"))
    assert len([one for one in caplog.records if one.exc_info]) == 1


async def test_figures_that_are_none_stop_nobody(api: Intake) -> None:
    with pushing(api.url) as pantau:
        for value in (float("nan"), "many", None):
            pantau.push("m", value)  # type: ignore[arg-type]
        pantau.push("m", 1)
        assert len(await until(lambda: api.samples("m"))) == 1
        assert count(pantau, "pantau_sdk_errors_total", where="sample") == 3


def test_an_api_that_accepts_and_never_answers_holds_up_only_the_thread() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        pantau = Pantau(Settings("billing", url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=30))
        pantau.start()
        for number in range(1_000):
            pantau.push("m", number)
        pantau.close(0.2)  # returns although the thread is still waiting for an answer
        (thread,) = [one for one in threading.enumerate() if one.name == "pantau"]
        assert thread.daemon, "so it can't keep the process from ending"
    thread.join(5)  # the connection was reset


PROGRAM = """
import os, sys
from pantau import Pantau, Settings
pantau = Pantau(Settings.from_environment(), others=())
pantau.start()
jobs = pantau.counter("jobs_total", "Jobs")
jobs.inc()
if sys.argv[1:] == ["fork"]:
    child = os.fork()
    jobs.inc()
    if child:
        os.waitpid(child, 0)
    else:
        pantau.push("from_child", 1)
        pantau.close()
        os._exit(0)
"""


def program(api: Intake, *arguments: str) -> None:
    environment = clean_environment(PANTAU_URL=api.url, PANTAU_SERVICE="batch", PYTHONPATH="sdk")
    subprocess.run([sys.executable, "-c", PROGRAM, *arguments], env=environment, check=True, timeout=60)


def test_a_program_that_ends_leaves_nothing_behind(api: Intake) -> None:
    program(api)
    assert [one["value"] for one in api.samples("jobs_total")] == [1]


def test_a_forked_process_pushes_its_own(api: Intake) -> None:
    program(api, "fork")
    (child,) = api.samples("from_child")
    last = {one["labels"]["instance"]: one["value"] for one in api.samples("jobs_total")}
    assert len(last) == 2
    assert set(last.values()) == {2}
    assert child["labels"]["instance"] in last


def test_a_program_ends_soon_while_pantau_is_away(api: Intake) -> None:
    api.answer = lambda path, body: Reply(503)
    program(api)
    assert api.attempts
    assert not api.taken
