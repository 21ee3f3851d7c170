from collections import Counter

import pytest

from services.collector.core.scrape.errors import BadScrape
from services.collector.core.scrape.negotiation import Protocol, accept, is_openmetrics
from services.collector.core.scrape.relabel import Relabelling, Rule
from services.collector.core.scrape.targets import BadTarget, Defaults, Group, Target, discovered, offset_ms, target

DEFAULTS = Defaults("shop", "http", "/metrics", "1m", "10s", (("module", ("a", "b")), ("q", ("x y",))))


def made(group: Group, *rules: Rule, defaults: Defaults = DEFAULTS) -> list[Target | None]:
    return [target(labels, defaults, Relabelling(rules)) for labels in discovered(group, defaults)]


def test_a_target_as_it_is_configured() -> None:
    (one, two) = made(Group(("10.0.0.1:80", "[::1]:9100"), (("site", "kota"),)))
    assert one is not None
    assert two is not None
    assert one.url == "http://10.0.0.1:80/metrics?module=a&module=b&q=x+y"
    assert one.labels == (("instance", "10.0.0.1:80"), ("job", "shop"), ("site", "kota"))
    assert (one.interval_ms, one.timeout_ms) == (60_000, 10_000)
    assert dict(one.discovered)["__address__"] == "10.0.0.1:80"
    assert two.url.startswith("http://[::1]:9100/metrics?")


def test_relabelling_changes_where_and_how_a_target_is_scraped() -> None:
    rules = [
        Rule(source_labels=("__address__",), target_label="__param_target"),
        Rule(source_labels=("__param_target",), target_label="instance"),
        Rule(target_label="__address__", replacement="prober:9115"),
        Rule(target_label="__metrics_path__", replacement="probe"),
        Rule(target_label="__scheme__", replacement="https"),
        Rule(target_label="__scrape_interval__", replacement="30s"),
        Rule(target_label="__tmp_x", replacement="gone"),
        Rule("labelmap", regex="__meta_(.+)"),
        Rule("drop", ("instance",), regex="no.*"),
    ]
    one, two = made(Group(("example.org", "no.example.org"), (("__meta_site", "kota"), ("job", "own"))), *rules)
    assert two is None
    assert one is not None
    assert one.url == "https://prober:9115/probe?module=a&module=b&q=x+y&target=example.org"
    assert one.labels == (("instance", "example.org"), ("job", "own"), ("site", "kota"))
    assert one.interval_ms == 30_000


@pytest.mark.parametrize(
    ("address", "rule", "told"),
    [
        ("http://a:80", None, "not of the form HOST"),
        ("a:80/x", None, "not of the form HOST"),
        ("user:secret@a:80", None, "not of the form HOST"),
        ("a:80", Rule(target_label="__address__", replacement=""), "not of the form HOST"),
        ("a:80", Rule(target_label="__scheme__", replacement="ftp"), "not http or https"),
        ("a:80", Rule(target_label="__scrape_interval__", replacement="soon"), "__scrape_interval__"),
        ("a:80", Rule(target_label="__scrape_timeout__", replacement="0"), "is 0"),
        ("a:80", Rule(target_label="__scrape_timeout__", replacement="2m"), "longer than the interval"),
    ],
)
def test_what_is_no_target_is_refused(address: str, rule: Rule | None, told: str) -> None:
    with pytest.raises(BadTarget, match=told):
        made(Group((address,)), *([rule] if rule else []))


def test_targets_are_spread_over_their_interval() -> None:
    many = [one for one in made(Group(tuple(f"10.0.{i // 250}.{i % 250}:9100" for i in range(6_000)))) if one]
    offsets = [offset_ms(one, "web-1") for one in many]
    assert offsets == [offset_ms(one, "web-1") for one in many]
    seconds = Counter(offset // 1000 for offset in offsets)
    assert set(seconds) == set(range(60))
    assert max(seconds.values()) < 2 * 6_000 / 60
    assert offsets != [offset_ms(one, "web-2") for one in many]


def test_the_formats_that_are_asked_for() -> None:
    protocols: list[Protocol] = ["OpenMetricsText1.0.0", "PrometheusText0.0.4"]
    assert accept(protocols) == (
        "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
    )


def test_the_format_that_came() -> None:
    assert is_openmetrics("application/openmetrics-text; version=1.0.0; charset=utf-8", None)
    assert not is_openmetrics("text/plain; version=0.0.4", None)
    assert not is_openmetrics("Text/Plain", "OpenMetricsText1.0.0")
    assert is_openmetrics("", "OpenMetricsText0.0.1")
    for other in ("", "text/html", "application/vnd.google.protobuf; encoding=delimited"):
        assert not is_openmetrics(other, "PrometheusText0.0.4")
        with pytest.raises(BadScrape, match="fallback_scrape_protocol"):
            is_openmetrics(other, None)
