"""The latest value of every series: collected here, or pushed to Pantau."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

import numpy as np

from shared.messages.samples import Sample, SampleBatch

# What Prometheus calls stale: a series without a newer value for so long is gone.
STALE_AFTER_MS = 5 * 60 * 1000
STALE_BITS = 0x7FF0000000000002


class Latest:
    """Series with their newest sample, each until it is stale.

    What is scraped is held whole, target by target; other series are kept one by one.
    """

    def __init__(self, most_followed: int = 100_000) -> None:
        """`most_followed`: how many series that others sent are kept at most."""
        self._newest: dict[str, tuple[Sample, int]] = {}
        self._followed: dict[str, tuple[Sample, int]] = {}
        self._held: dict[Hashable, tuple[Sequence[SampleBatch], int]] = {}
        self._most = most_followed

    def put(self, samples: Iterable[Sample], interval_ms: int) -> None:
        """Take over `samples` of a source that is read every `interval_ms`."""
        lives_ms = _lives_ms(interval_ms)
        for sample in samples:
            self._newest[sample.series] = (sample, sample.time_ms + lives_ms)

    def hold(self, target: Hashable, batches: Sequence[SampleBatch], at_ms: int, interval_ms: int) -> None:
        """`batches`, read at `at_ms`, are all that `target` has now."""
        self._held[target] = batches, at_ms + _lives_ms(interval_ms)

    def release(self, target: Hashable) -> None:
        """`target` is gone."""
        self._held.pop(target, None)

    def follow(self, samples: Iterable[Sample], now_ms: int) -> int:
        """Take over `samples` that others sent; how many there was no room for."""
        refused = 0
        for sample in samples:
            if sample.time_ms + STALE_AFTER_MS <= now_ms:
                continue
            before = self._followed.get(sample.series)
            if before is not None and before[0].time_ms > sample.time_ms:
                continue
            if before is None and len(self._followed) >= self._most:
                self._followed = _unexpired(self._followed, now_ms)
                if len(self._followed) >= self._most:
                    refused += 1
                    continue
            self._followed[sample.series] = (sample, min(sample.time_ms, now_ms) + STALE_AFTER_MS)
        return refused

    def fresh(self, now_ms: int) -> list[Sample]:
        """The samples that are not stale at `now_ms`, of each series one; the others are forgotten."""
        return self.view(now_ms)()

    def view(self, now_ms: int) -> Callable[[], list[Sample]]:
        """What gives the same, as of now: the longer part of the work, that another thread may do."""
        self._newest = _unexpired(self._newest, now_ms)
        self._followed = _unexpired(self._followed, now_ms)
        self._held = {target: held for target, held in self._held.items() if now_ms < held[1]}
        found = {series: kept[0] for kept_by in (self._followed, self._newest) for series, kept in kept_by.items()}
        every = [batch for batches, _ in self._held.values() for batch in batches]

        def samples() -> list[Sample]:
            for batch in every:
                found.update((sample.series, sample) for sample in batch.samples())
            return [sample for sample in found.values() if not is_stale(sample.value)]

        return samples


def is_stale(value: float) -> bool:
    """Whether `value` is the staleness marker."""
    return value != value and int(np.float64(value).view(np.uint64)) == STALE_BITS


def from_elsewhere(batch: SampleBatch) -> Iterator[Sample]:
    """The newest sample of each series in a batch from the bus, if it was pushed or measured by another service:
    collectors show their own, and what rules make of it is no reading."""
    if batch.group is not None or batch.source.startswith("collector/"):
        return
    newest: dict[str, Sample] = {}
    for sample in batch.samples():
        before = newest.get(sample.series)
        if before is None or sample.time_ms >= before.time_ms:
            newest[sample.series] = sample
    yield from newest.values()


def _lives_ms(interval_ms: int) -> int:
    return max(STALE_AFTER_MS, 2 * interval_ms)


def _unexpired(kept: dict[str, tuple[Sample, int]], now_ms: int) -> dict[str, tuple[Sample, int]]:
    return {series: one for series, one in kept.items() if now_ms < one[1]}
