"""What a scrape brought, as columns, and the batches made of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shared.messages.samples import MOST_SAMPLES, STALE, Sample, SampleBatch
from shared.messages.series import NAME, key_of

# A message stays well below the broker's limit of 2 MiB.
MOST_TEXT = 1024 * 1024


@dataclass
class Taken:
    """The outcome of one scrape."""

    keys: list[str] = field(default_factory=list)
    """The series of the samples."""
    types: list[str] = field(default_factory=list)
    times: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    values: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))
    stale: list[tuple[str, str]] = field(default_factory=list)
    """Series and types of those that were there before and are no more."""
    scraped: int = 0
    post_relabelling: int = 0
    added: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Samples that were left out, by reason."""
    failure: str = ""
    """Why the scrape failed as a whole: a short word."""
    error: str = ""
    """The same for people."""
    repeated: bool = False
    """Whether `keys` holds a series more than once: samples with times of their own."""


def batches(source: str, taken: Taken) -> list[SampleBatch]:
    """The samples of `taken` in as few batches as messages may hold, without its staleness markers."""
    if taken.repeated:
        rows = zip(taken.keys, taken.times.tolist(), taken.values.tolist(), taken.types, strict=True)
        samples = [Sample(*row) for row in rows]
        return [SampleBatch.of(source, samples[start:end]) for start, end in _parts(taken.keys)]
    return [
        SampleBatch(
            source=source,
            series=taken.keys[start:end],
            types=taken.types[start:end],
            index=np.arange(end - start, dtype="<u4").tobytes(),
            times=taken.times[start:end].astype("<i8").tobytes(),
            values=taken.values[start:end].astype("<f8").tobytes(),
        )
        for start, end in _parts(taken.keys)
    ]


def markers(source: str, series: Sequence[tuple[str, str]], at_ms: int) -> list[SampleBatch]:
    """A staleness marker at `at_ms` for each of `series` (key, type)."""
    samples = [Sample(key, at_ms, STALE, kind) for key, kind in series]
    return [SampleBatch.of(source, samples[start:end]) for start, end in _parts([key for key, _ in series])]


def report(labels: dict[str, str], name: str, kind: str, at_ms: int, value: float) -> Sample:
    """A sample about a scrape, with the labels of its target."""
    return Sample(key_of({**labels, NAME: name}), at_ms, float(value), kind)


def _parts(keys: Sequence[str]) -> list[tuple[int, int]]:
    """From where to where each message reaches: bounded in samples and in text."""
    parts, begin, text = [], 0, 0
    for place, length in enumerate(map(len, keys)):
        text += length
        if place > begin and (place - begin >= MOST_SAMPLES or text > MOST_TEXT):
            parts.append((begin, place))
            begin, text = place, length
    if begin < len(keys):
        parts.append((begin, len(keys)))
    return parts
