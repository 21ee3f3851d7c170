"""What a machine's collector tells, as far as it is judged here."""

from collections.abc import Collection

from shared.messages.samples import SampleBatch
from shared.messages.series import labels_of

Percents = dict[str, float]
"""By mount point; that of memory has an empty one."""


def newest_percents(batch: SampleBatch, metric: str, ignored: Collection[str] = ()) -> tuple[int, Percents] | None:
    """(the newest time at which `batch` tells of `metric`, its values then), but for the mount points that are ignored;
    None if it tells nothing of it."""
    found: dict[int, Percents] = {}
    for sample in batch.samples():
        if sample.series.startswith(f"{metric}{{"):
            mountpoint = labels_of(sample.series).get("mountpoint", "")
            if mountpoint not in ignored:
                found.setdefault(sample.time_ms, {})[mountpoint] = sample.value
    return max(found.items(), default=None, key=lambda told: told[0])
