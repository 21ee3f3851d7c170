"""From the labels that a target exposes to those of the series: with the target's own, relabelled, within limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from services.collector.core.scrape.errors import BadScrape
from services.collector.core.scrape.relabel import Relabelling
from shared.messages.series import (
    LABEL_NAME,
    LONGEST_TEXT,
    METRIC_NAME,
    MOST_LABELS,
    NAME,
    check_labels,
    key_of,
)


@dataclass(frozen=True)
class LabelLimits:
    """What a series may have at most; 0 is without bound (but for that of the bus)."""

    labels: int = 0
    name_length: int = 0
    value_length: int = 0


class Labelling:
    """How the series of one target are called."""

    def __init__(
        self, target: Mapping[str, str], honor_labels: bool, relabelling: Relabelling, limits: LabelLimits
    ) -> None:
        self._target, self._honor = dict(target), honor_labels
        self._relabelling, self._limits = relabelling, limits

    def key(self, exposed: dict[str, str]) -> str | None:
        """The key of the series, None if relabelling drops it. BadScrape if its labels make the scrape fail;
        shared.messages.message.BadMessage if only the bus can't carry it."""
        labels: dict[str, str] | None = self._with_target(exposed)
        if self._relabelling:
            labels = self._relabelling.apply(labels or {})
            if labels is None:
                return None
        assert labels is not None
        self._check(labels)
        return key_of(labels)

    def _with_target(self, exposed: dict[str, str]) -> dict[str, str]:
        if self._honor:
            return self._target | exposed
        labels = exposed | self._target
        if len(labels) == len(exposed) + len(self._target):
            return labels
        for name in sorted((one for one in self._target if exposed.get(one)), key=len):
            new = f"exported_{name}"
            while labels.get(new):
                new = f"exported_{new}"
            labels[new] = exposed[name]
        return labels

    def _check(self, labels: dict[str, str]) -> None:
        name = labels.get(NAME, "")
        if not name:
            raise BadScrape("bad_name", f"a series lost its name to relabelling: {str(labels)[:200]}")
        if not _is_metric_name(name) or not all(map(_is_label_name, labels)):
            bad = next((one for one in labels if not _is_label_name(one)), name)
            raise BadScrape("bad_name", f"{bad[:80]!r} is no metric or label name")
        if len(labels) > MOST_LABELS or max(map(len, (*labels, *labels.values()))) > LONGEST_TEXT:
            check_labels(labels)  # says which
        if self._limits != LabelLimits():
            self._check_limits(name, labels)

    def _check_limits(self, name: str, labels: Mapping[str, str]) -> None:
        limits = self._limits
        if limits.labels and len(labels) > limits.labels:
            raise BadScrape("label_limit", f"{name} has {len(labels)} labels: at most {limits.labels}")
        for label, value in labels.items():
            if limits.name_length and len(label.encode()) > limits.name_length:
                raise BadScrape("label_limit", f"label name {label[:80]!r} of {name} is too long")
            if limits.value_length and len(value.encode()) > limits.value_length:
                raise BadScrape("label_limit", f"the value of label {label[:80]!r} of {name} is too long")


# The same few names come again and again.
@lru_cache(maxsize=16_384)
def _is_metric_name(name: str) -> bool:
    return METRIC_NAME.fullmatch(name) is not None


@lru_cache(maxsize=16_384)
def _is_label_name(name: str) -> bool:
    return LABEL_NAME.fullmatch(name) is not None
