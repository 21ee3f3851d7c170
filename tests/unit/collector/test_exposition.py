import math

import pytest
from prometheus_client import CollectorRegistry, openmetrics
from prometheus_client import parser as text_parser
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import parser as openmetrics_parser

from services.collector.core.latest import Latest
from services.collector.exporter import LatestValues
from shared import clock
from shared.metrics import Metric

TEMPERATURE = Metric("room_celsius", "gauge", "celsius", 'How warm, with a \\ and a\nnew line and "quotes"', ("room",))
VISITS = Metric("visits_total", "counter", "", "Who came", ("door",))


def registry() -> CollectorRegistry:
    latest = Latest()
    now = clock.now_ms()
    latest.put(
        [
            TEMPERATURE.sample(now, 21.5, room='the "blue"\\one\n'),
            TEMPERATURE.sample(now, math.nan, room="cellar"),
            VISITS.sample(now, 3, door="front"),
            VISITS.sample(now - 400_000, 9, door="closed long ago"),
        ],
        30_000,
    )
    made = CollectorRegistry(auto_describe=False)
    made.register(LatestValues(latest, [TEMPERATURE, VISITS]))
    return made


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_the_exposition_is_what_was_read(accept: str, content_type: str) -> None:
    encode, announced = choose_encoder(accept)
    assert announced.startswith(content_type)
    text = encode(registry()).decode()
    parse = (
        openmetrics_parser.text_string_to_metric_families
        if "openmetrics" in announced
        else text_parser.text_string_to_metric_families
    )
    room, visits = sorted(parse(text), key=lambda family: family.name)
    assert (room.name, room.type, room.documentation) == ("room_celsius", "gauge", TEMPERATURE.help)
    values = {sample.labels["room"]: sample.value for sample in room.samples}
    assert values.pop("cellar") != values.get("cellar")  # NaN
    assert values == {'the "blue"\\one\n': 21.5}
    assert (visits.name, visits.type) == ("visits", "counter")
    assert [(sample.name, sample.labels, sample.value) for sample in visits.samples] == [
        ("visits_total", {"door": "front"}, 3.0)
    ]


def test_openmetrics_ends_with_its_end_mark() -> None:
    text: bytes = openmetrics.exposition.generate_latest(registry())  # type: ignore[no-untyped-call]
    assert text.endswith(b"# EOF\n")
