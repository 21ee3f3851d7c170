"""Who and what an alert is about, out of its labels and annotations."""

import math
from collections.abc import Mapping

from services.notifier.core.cutting import cut, one_line
from services.notifier.core.figures import number
from services.notifier.core.phrases import Phrases

SCOPES = (
    "site",
    "area",
    "router",
    "server",
    "interface",
    "gateway",
    "session",
    "host",
    "instance",
    "database",
    "service",
    "check",
    "target",
    "route",
)
"""The labels that say where, the largest first."""
# Counts of the business: annotations, or labels where a rule carries them.
SUBSCRIBERS, RUPIAH, AFFECTED = "subscribers", "rupiah", "affected"
LONGEST_PART = 80


def affected(labels: Mapping[str, str], annotations: Mapping[str, str], phrases: Phrases) -> str:
    """In one line, e.g. `312 subscribers, Rp 46,800,000, site Depok, router bras-1`; empty if nothing says it."""
    told = {**labels, **annotations}
    parts = [_clipped(told[AFFECTED])] if told.get(AFFECTED) else []
    parts += [
        form.format(_counted(told[name], phrases))
        for name, form in ((SUBSCRIBERS, phrases.subscribers), (RUPIAH, phrases.rupiah))
        if told.get(name)
    ]
    return ", ".join([*parts, *places(labels, phrases)])


def places(labels: Mapping[str, str], phrases: Phrases) -> list[str]:
    """`router bras-1` and the like, one for each label that says where."""
    return [f"{phrases.scopes.get(name, name)} {_clipped(labels[name])}" for name in SCOPES if labels.get(name)]


def _counted(text: str, phrases: Phrases) -> str:
    try:
        value = float(text)
    except ValueError:
        return _clipped(text)
    return number(round(value), phrases) if math.isfinite(value) else _clipped(text)


def _clipped(text: str) -> str:
    return cut(one_line(text), LONGEST_PART)
