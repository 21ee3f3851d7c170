from collections.abc import Sequence

import pytest

from services.collector.core.batches import batches, sound
from shared.messages.samples import MOST_SAMPLES, Sample, SampleBatch

NOW = 1_790_000_000_000


def test_good_samples_stay_in_their_order() -> None:
    samples = [Sample("b", NOW, 2.0), Sample('a{x="1"}', NOW, float("nan"), "counter"), Sample("b", NOW + 1, 3.0)]
    assert sound(samples) == (samples, {})


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Sample("no good name", NOW, 1.0), "bad_sample"),
        (Sample('a{y="1",x="2"}', NOW, 1.0), "bad_sample"),  # not in the canonical order
        (Sample('a{x="' + 3_000 * "y" + '"}', NOW, 1.0), "bad_sample"),
        (Sample("a", NOW // 1000, 1.0), "bad_sample"),  # seconds
        (Sample("a", NOW, 1.0, "rate"), "bad_sample"),
        (Sample("good", NOW, 2.0), "duplicate_sample"),
    ],
)
def test_what_readers_would_refuse_is_left_out_and_counted(bad: Sample, reason: str) -> None:
    for known in ((), ("good",)):
        good, refused = sound([Sample("good", NOW, 1.0), bad], known)
        assert good == [Sample("good", NOW, 1.0)]
        assert refused == {reason: 1}
    SampleBatch.decode(batches("collector/a", good)[0].encode())


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (MOST_SAMPLES, [MOST_SAMPLES]), (MOST_SAMPLES + 1, [MOST_SAMPLES, 1])]
)
def test_a_reading_is_one_batch_as_long_as_the_contract_allows(count: int, sizes: Sequence[int]) -> None:
    found = batches("collector/a", [Sample("a", NOW + number, number) for number in range(count)])
    assert [len(batch) for batch in found] == sizes
    assert [sample.time_ms for batch in found for sample in batch.samples()] == [NOW + n for n in range(count)]
