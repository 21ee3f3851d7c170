import pytest

from shared.messages.samples import SampleBatch
from shared.messages.series import labels_of
from shared.metrics import Metric

DISK = Metric("disk_percent", "gauge", "percent", "How full", ("host", "mountpoint"))


def test_a_sample_has_a_canonical_key() -> None:
    sample = DISK.sample(1_700_000_000_000, 12, mountpoint='/a "b"\\c', host="web-1")
    assert sample.series == 'disk_percent{host="web-1",mountpoint="/a \\"b\\"\\\\c"}'
    assert labels_of(sample.series)["mountpoint"] == '/a "b"\\c'
    assert (sample.time_ms, sample.value, sample.type) == (1_700_000_000_000, 12.0, "gauge")


@pytest.mark.parametrize("labels", [{"host": "a"}, {"host": "a", "mountpoint": "/", "device": "x"}])
def test_other_labels_than_the_described_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="disk_percent has the labels"):
        DISK.sample(0, 1, **labels)


def test_names_of_bytes_that_are_no_text_still_go_on_the_bus() -> None:
    sample = DISK.sample(1_700_000_000_000, 1, host="a", mountpoint=b"/caf\xe9".decode("utf-8", "surrogateescape"))
    batch = SampleBatch.decode(SampleBatch.of("collector/a", [sample]).encode())
    assert labels_of(batch.series[0])["mountpoint"] == "/caf\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(("name", "kind"), [("reads", "counter"), ("users_total", "gauge"), ("users", "sum")])
def test_a_description_that_breaks_the_conventions_is_refused(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match=name):
        Metric(name, kind, "", "")
