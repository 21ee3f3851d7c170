"""What `bench alerting` sends and prints: well-formed, and all of it."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from bench import _rules
from bench._load import Page, encoded, pages, series_keys
from bench._probes import Told, probe_groups
from bench.alerting import Figures, summary
from shared.messages.rules import RuleGroup
from shared.messages.samples import EARLIEST_MS, SampleBatch
from shared.messages.series import labels_of
from shared.promql.query import compile_query


@pytest.mark.parametrize(("series", "size"), [(2_000, 1_000), (250, 10), (105, 1_000), (1, 1)])
def test_pages_hold_every_series_once_in_batches_that_are_read(series: int, size: int) -> None:
    keys = series_keys(series)
    found: list[str] = []
    for page in pages(keys, size):
        values = np.arange(page.begin, page.end, dtype=np.float64)
        batch = SampleBatch.decode(encoded(page, EARLIEST_MS, values))
        assert batch.source.startswith("collector/")
        assert len(batch) <= size
        found += [sample.series for sample in batch.samples()]
        assert [sample.value for sample in batch.samples()] == values.tolist()
    assert found == keys
    assert len(set(keys)) == series


def test_a_source_is_the_same_however_small_its_pages_are() -> None:
    def source_of(some: list[Page]) -> dict[int, str]:
        return {number: page.source for page in some for number in range(page.begin, page.end)}

    keys = series_keys(3_000)
    assert source_of(pages(keys, 10)) == source_of(pages(keys, 1_000))


def test_each_metric_has_as_many_series_on_twenty_routes() -> None:
    labels = [labels_of(key) for key in series_keys(100_000)]
    first = [one for one in labels if one["__name__"] == "app_metric_0_total"]
    assert len({one["__name__"] for one in labels}) == 100
    assert len({one["instance"] for one in first}) == 1_000
    assert len({one["route"] for one in first}) == 20


def test_rules_made_here_are_those_of_the_file() -> None:
    if not _rules.SHARED.exists():
        pytest.skip("the rule file is not beside the project")
    assert _essence(_rules.groups(1_000, Path("/nowhere"))) == _essence(_rules.groups(1_000))


def _essence(groups: list[RuleGroup]) -> list[tuple[str, int | None, list[tuple[str, str]]]]:
    return [
        (group.name, group.interval_ms, [(rule.name, str(compile_query(rule.expr).expr)) for rule in group.rules])
        for group in groups
    ]


def test_fewer_rules_are_the_first_ones() -> None:
    groups = _rules.groups(13, Path("/nowhere"))
    assert [len(group.rules) for group in groups] == [10, 3]


def test_probes_are_immediate_groups_of_their_own() -> None:
    groups = probe_groups(3)
    assert all(group.immediate for group in groups)
    assert len({rule.expr for group in groups for rule in group.rules}) == 3


def test_the_last_line_has_what_was_measured_and_none_for_what_was_left_out() -> None:
    loaded = [Told("firing", 1.0, 1.0 + number / 1_000) for number in range(1, 101)]
    figures = Figures(loaded=loaded, bytes_per_series=1234.5, recovery_s=3.456)
    assert summary(figures) == {
        "p50_ms": 50.0,
        "p99_ms": 99.0,
        "floor_p99_ms": None,
        "samples_per_s": None,
        "bytes_per_series": 1234,
        "recovery_s": 3.46,
    }


def test_an_event_that_overtakes_the_acknowledgement_took_no_time() -> None:
    assert Told("firing", acknowledged=2.0, arrived=1.9).seconds == 0


def test_scales_are_positive() -> None:
    from bench.alerting import _positive

    assert _positive("7") == 7
    with pytest.raises(argparse.ArgumentTypeError):
        _positive("0")
