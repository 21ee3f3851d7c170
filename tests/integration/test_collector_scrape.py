"""Scrapes of real HTTP servers: what comes out, and what targets that misbehave are told apart by."""

import asyncio
import gzip
import shutil
import ssl
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import prometheus_client as pc
import pytest
from aiohttp import web
from prometheus_client.exposition import choose_encoder

from infra.local import ports
from services.collector.scraping.loop import SMALL_BYTES
from shared.messages.samples import STALE
from tests.conftest import eventually
from tests.integration.scrape_targets import CLASSIC, Answer, Published, endpoint, job, names, says

OWN = '{instance="ADDRESS",job="shop"}'


def is_marker(value: float) -> bool:
    return np.float64(value).tobytes() == np.float64(STALE).tobytes()


async def scrapes(published: Published, address: str, more_than: int = 0) -> list[Any]:
    async def enough() -> list[Any]:
        found = published.of(address)
        return found if len(found) > more_than else []

    return await eventually(enough)


async def failed(published: Published, address: str, reason: str) -> dict[str, float]:
    async def told() -> dict[str, float]:
        last = published.last(address)
        return last if f"pantau_scrape_errors_total/{reason}" in last else {}

    return await eventually(told)


async def test_an_application_with_its_client_library() -> None:
    registry = pc.CollectorRegistry()
    pc.Counter("visits", "Who came", ["door"], registry=registry).labels("front").inc(3)
    pc.Histogram("took_seconds", "How long", registry=registry).observe(0.3)

    async def metrics(request: web.Request) -> web.StreamResponse:
        encode, content_type = choose_encoder(request.headers["Accept"])
        body = gzip.compress(encode(registry))
        return web.Response(body=body, headers={"Content-Type": content_type, "Content-Encoding": "gzip"})

    async with endpoint(metrics) as target, job({}, targets=[target.address]) as (made, published):
        first = names((await scrapes(published, target.address))[0])
        request = target.requests[0]
        status = made.statuses[0]
    own = OWN.replace("ADDRESS", target.address)
    assert first[f"up{own}"] == 1
    assert first[f'visits_total{{door="front",{own[1:]}'] == 3
    assert first[f'took_seconds_bucket{{instance="{target.address}",job="shop",le="+Inf"}}'] == 1
    exposed = len(first) - 5
    assert first[f"scrape_samples_scraped{own}"] == first[f"scrape_series_added{own}"] == exposed
    assert first[f"scrape_samples_post_metric_relabeling{own}"] == exposed
    assert request.headers["Accept"].startswith("application/openmetrics-text;version=1.0.0")
    assert (request.headers["Accept-Encoding"], request.path) == ("gzip", "/metrics")
    assert request.headers["X-Prometheus-Scrape-Timeout-Seconds"] == "1"
    assert (status.health, status.error) == ("up", "")
    assert status.body()["scrapeUrl"] == f"http://{target.address}/metrics"
    assert published.scrapes[0].origin == f"collector/web-1/scrape/shop/{target.address}"
    assert published.scrapes[0].helps["visits"] == "Who came"


async def test_what_is_gone_ends_with_a_marker_and_a_target_that_is_gone_with_all() -> None:
    async with endpoint(says("a 1\nb 2\n")) as target:
        port = int(target.address.rpartition(":")[2])
        own = OWN.replace("ADDRESS", target.address)
        async with job({}, targets=[target.address]) as (made, published):
            await scrapes(published, target.address)
            target.answer = says("b 3\n")

            async def marked() -> bool:
                last = names(published.of(target.address)[-1])
                return f"a{own}" in last and is_marker(last[f"a{own}"]) and last[f"b{own}"] == 3

            await eventually(marked)
            target.answer = says("b three\n")
            last = await failed(published, target.address, "parse")
            assert (last["up"], is_marker(last["b"])) == (0, True)
            assert "not a number" in made.statuses[0].error
            target.answer = says("b 4\n")

            async def back() -> bool:
                return published.last(target.address).get("b") == 4

            await eventually(back)
            assert published.last(target.address)["up"] == 1
            times = [{one.time_ms for one in scrape} for scrape in published.of(target.address)]
            assert all(len(one) == 1 for one in times)
    assert port
    # Ending the job is not the end of its targets: another collector, or we, will go on.
    assert not any(one.ended for one in published.scrapes)


def endless(sent: list[int], head: dict[str, str], piece: bytes) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": CLASSIC, **head})
        await response.prepare(request)
        sent.append(0)
        while sent[-1] < 2**30:
            await response.write(piece)
            sent[-1] += len(piece)
        return response

    return answer


async def test_a_body_without_end_is_cut_at_the_limit() -> None:
    sent: list[int] = []
    line = b'a{b="%s"} 1\n' % (b"x" * 1000)
    async with (
        endpoint(endless(sent, {}, line * 50)) as target,
        job({}, targets=[target.address], body_size_limit="1MB") as (_, published),
    ):
        last = await failed(published, target.address, "body_size_limit")
    assert last["up"] == 0
    # What is on its way in buffers of the system may be more than the limit, but not by much.
    assert max(sent) < 2**26


async def test_a_gzip_bomb_goes_off_nowhere() -> None:
    bomb = gzip.compress(b"a" * 2**28, compresslevel=9)
    async with (
        endpoint(says(bomb, Content_Encoding="gzip")) as target,
        job({}, targets=[target.address], body_size_limit="1MB") as (_, published),
    ):
        last = await failed(published, target.address, "body_size_limit")
    assert last["up"] == 0


async def hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": CLASSIC, "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"a 1\n")
    assert request.transport is not None
    request.transport.close()
    return response


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hangs, "timeout"),
        (breaks_off, "closed"),
        (says("no", status=503), "http_status"),
        (says("a 1\n", "text/html"), "content_type"),
        (says("a 1\n", Content_Encoding="gzip"), "encoding"),
        (says(gzip.compress(b"a 1\n" * 1000)[:-20], Content_Encoding="gzip"), "encoding"),
        (says("a 1\n", Content_Encoding="br"), "encoding"),
        (says("", status=302, Location="http://localhost:1/metrics"), "redirect"),
        (says("", status=302, Location="/metrics"), "redirect"),
        (says("", status=302, Location="file:///etc/passwd"), "redirect"),
        (says("a 1 2 3\n"), "parse"),
        (says('{"a.b"} 1\n'), "bad_name"),
        (says("".join(f"a{number} 1\n" for number in range(11))), "sample_limit"),
        (says('a{b="c",d="e",f="g"} 1\n'), "label_limit"),
    ],
)
async def test_targets_that_fail_are_told_apart_and_cost_no_other(answer: Answer, reason: str) -> None:
    async with endpoint(answer) as bad, endpoint(says("a 1\n")) as good:
        limits: dict[str, Any] = {"sample_limit": 10, "label_limit": 5}
        async with job({}, targets=[bad.address, good.address], **limits) as (made, published):
            last = await failed(published, bad.address, reason)
            await scrapes(published, good.address)
            health = {one.target.url.split("/")[2]: one for one in made.statuses}
    assert last["up"] == 0
    assert "a" not in last
    assert published.last(good.address)["up"] == 1
    assert (health[bad.address].health, bool(health[bad.address].error)) == ("down", True)
    assert health[good.address].health == "up"


async def test_nobody_there_a_name_that_is_none_and_a_port_without_tls() -> None:
    (free,) = ports.free(1)
    async with endpoint(says("a 1\n")) as plain:
        async with job({}, targets=[f"127.0.0.1:{free}", "nowhere.invalid:80"]) as (_, published):
            await failed(published, f"127.0.0.1:{free}", "refused")
            await failed(published, "nowhere.invalid:80", "dns")
        async with job({}, targets=[plain.address], scheme="https") as (_, published):
            await failed(published, plain.address, "tls")


async def test_duplicates_are_refused_and_counted_and_the_rest_is_taken() -> None:
    async with endpoint(says("a 1\na 2\nb 3\n")) as target, job({}, targets=[target.address]) as (_, published):
        last = await failed(published, target.address, "duplicate_sample")
    assert (last["up"], last["a"], last["b"], last["scrape_samples_scraped"]) == (1, 1, 3, 3)


async def test_redirects() -> None:
    async with endpoint(says("a 1\n")) as there, endpoint(says("")) as here:

        async def moved(request: web.Request) -> web.StreamResponse:
            if request.path == "/metrics":
                return web.Response(status=308, headers={"Location": "/elsewhere?x=1"})
            return await says("a 2\n")(request)

        here.answer = moved
        async with job({}, targets=[here.address], bearer_token="s3cret") as (_, published):
            await scrapes(published, here.address)
        assert published.last(here.address)["a"] == 2
        assert [one.headers["Authorization"] for one in here.requests[:2]] == ["Bearer s3cret"] * 2

        port = there.address.rpartition(":")[2]
        here.answer = says("", status=301, Location=f"http://localhost:{port}/metrics")
        section = {"allow_redirects_to_other_hosts": True}
        async with job(section, targets=[here.address], bearer_token="s3cret") as (_, published):
            await scrapes(published, here.address)
        assert published.last(here.address)["a"] == 1
        assert "Authorization" not in there.requests[0].headers
        async with job(section, targets=[here.address], follow_redirects=False) as (_, published):
            await failed(published, here.address, "redirect")


async def test_a_token_that_is_renewed_is_used(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    async with (
        endpoint(says("a 1\n")) as target,
        job({}, targets=[target.address], bearer_token_file=str(token)) as (made, published),
    ):
        await scrapes(published, target.address)
        assert target.requests[0].headers["Authorization"] == "Bearer first"
        token.write_text("second\n")

        async def renewed() -> bool:
            return target.requests[-1].headers["Authorization"] == "Bearer second"

        await eventually(renewed)
        token.unlink()
        await failed(published, target.address, "request")
        assert "token" in made.statuses[0].error
        assert "second" not in made.statuses[0].error


def certified(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """(what a server called metrics.example shows, its certificate)"""
    key, certificate = directory / "key.pem", directory / "cert.pem"
    files = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=metrics.example"]
    names = ["-addext", "subjectAltName=DNS:metrics.example"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *curve, *files, *names], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
async def test_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    context, certificate = certified(tmp_path)
    async with endpoint(says("a 1\n"), tls=context) as target:
        for tls, reason in (
            ({"ca_file": str(certificate), "server_name": "metrics.example"}, ""),
            ({"insecure_skip_verify": True}, ""),
            ({"ca_file": str(certificate)}, "tls"),
            ({}, "tls"),
        ):
            async with job({}, targets=[target.address], scheme="https", tls_config=tls) as (_, published):
                if reason:
                    await failed(published, target.address, reason)
                else:
                    await scrapes(published, target.address)
                    assert published.last(target.address)["up"] == 1


async def test_many_targets_side_by_side_within_a_bound() -> None:
    under_way: Counter[str] = Counter()

    async def slow(request: web.Request) -> web.StreamResponse:
        under_way["now"] += 1
        under_way["most"] = max(under_way["most"], under_way["now"])
        await asyncio.sleep(0.01)
        under_way["now"] -= 1
        return await says(f'a{{path="{request.path}"}} 1\n')(request)

    async with endpoint(slow) as target:
        rules = [
            {"source_labels": ["__address__"], "regex": "(.*)-(.*)", "target_label": "instance", "replacement": "t$2"},
            {
                "source_labels": ["__address__"],
                "regex": "(.*)-(.*)",
                "target_label": "__metrics_path__",
                "replacement": "/$2",
            },
            {
                "source_labels": ["__address__"],
                "regex": "(.*)-(.*)",
                "target_label": "__address__",
                "replacement": "$1",
            },
        ]
        many = [f"{target.address}-{number}" for number in range(300)]
        async with job({}, concurrency=8, targets=many, relabel_configs=rules) as (made, published):

            async def all_there() -> bool:
                return sum(one.health == "up" for one in made.statuses) == 300

            await eventually(all_there)
    assert under_way["most"] <= 8
    assert published.last("t7")["up"] == 1


async def test_a_large_target_is_read_beside_the_event_loop() -> None:
    text = "".join(f'a{{number="{number}"}} {number}\n' for number in range(5_000))
    assert len(text) > SMALL_BYTES
    async with endpoint(says(text)) as target, job({}, targets=[target.address]) as (_, published):
        first = names((await scrapes(published, target.address, more_than=1))[1])
    own = f'instance="{target.address}",job="shop"'
    assert first[f'a{{{own},number="4999"}}'] == 4999
    assert first[f"scrape_series_added{{{own}}}"] == 0


async def test_more_targets_than_the_limit_fail() -> None:
    async with endpoint(says("a 1\n")) as target:
        others = [target.address, target.address.replace("127.0.0.1", "localhost")]
        async with job({}, targets=others, target_limit=1) as (_, published):
            last = await failed(published, target.address, "target_limit")
    assert last["up"] == 0
    assert not target.requests
