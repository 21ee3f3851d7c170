"""From the samples of a reading to messages for the bus: only what readers will accept, in batches they can take."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from shared.messages.message import BadMessage
from shared.messages.samples import EARLIEST_MS, LATEST_MS, MOST_SAMPLES, Sample, SampleBatch
from shared.messages.series import METRIC_TYPES, labels_of


def sound(samples: Iterable[Sample], known: Collection[str] = ()) -> tuple[list[Sample], Counter[str]]:
    """(the samples that fulfil the contract, how many others there were by reason).

    A single bad one would make readers refuse its whole batch. `known`: series that did so before; a source has the
    same ones at each reading, and looking into them is dear.
    """
    good: list[Sample] = []
    refused: Counter[str] = Counter()
    seen: set[tuple[str, int]] = set()
    for sample in samples:
        identity = (sample.series, sample.time_ms)
        if identity in seen:
            refused["duplicate_sample"] += 1
        elif _fulfils_contract(sample, sample.series in known):
            seen.add(identity)
            good.append(sample)
        else:
            refused["bad_sample"] += 1
    return good, refused


def batches(origin: str, samples: Sequence[Sample]) -> list[SampleBatch]:
    """`samples` in as few batches as the contract allows, in their order."""
    return [
        SampleBatch.of(origin, samples[start : start + MOST_SAMPLES]) for start in range(0, len(samples), MOST_SAMPLES)
    ]


def _fulfils_contract(sample: Sample, series_does: bool) -> bool:
    if sample.type not in METRIC_TYPES or not EARLIEST_MS <= sample.time_ms <= LATEST_MS:
        return False
    if series_does:
        return True
    try:
        labels_of(sample.series)
    except BadMessage:
        return False
    return True
