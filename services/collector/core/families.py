"""How series make metric families, so that what is exposed is legal in both text formats."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from shared.messages.samples import Sample
from shared.messages.series import NAME, key_of, labels_of

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
CREATED = "_created"
# Names that belong to a family of the type, whether they are there or not.
_CLAIMS = {
    "counter": ("", "_total", CREATED),
    "histogram": ("", "_bucket", "_sum", "_count", CREATED),
    "summary": ("", "_sum", "_count", CREATED),
}
_RANKS = {"": 0, "_total": 0, "_bucket": 0, "_count": 1, "_sum": 2, CREATED: 3}
_BOUNDS = {"histogram": "le", "summary": "quantile"}
_BOUND = re.compile(r'(?:^|,)(le|quantile)="([^"\\]*)"(?=,|$)')


@dataclass
class Family:
    """Samples of one metric family: its name as OpenMetrics has it (without `_total`), its type."""

    name: str
    type: str
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True)
class _Place:
    """Where a sample stands in its family: those of one group follow one another."""

    group: str
    rank: int
    bound: float
    sample: Sample


def families(samples: Iterable[Sample]) -> list[Family]:
    """`samples` by family, in the order that OpenMetrics asks for; families are sorted by name.

    A family that would be illegal (series that disagree on the type, a histogram without its last bucket, a counter
    not called `_total`, a name that another family takes) comes apart into families of type unknown, one a metric name.
    """
    by_metric: dict[str, list[Sample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda one: one.series):
        by_metric[sample.series.partition("{")[0]].append(sample)
    grouped = _grouped(by_metric)
    names = Counter(name for name, _ in grouped)
    claims = Counter(f"{name}{suffix}" for name, kind in grouped for suffix in _CLAIMS.get(kind, ()))
    found: list[Family] = []
    for (name, kind), members in grouped.items():
        if kind not in _CLAIMS:
            found += [Family(metric, kind, own) for metric, own in members.items()]
            continue
        claimed = {f"{name}{suffix}" for suffix in _CLAIMS[kind]}
        alone = names[name] == 1 and not (claimed - members.keys()) & by_metric.keys()
        alone = alone and all(claims[one] == 1 for one in claimed)
        in_order = _ordered(name, kind, members) if alone else None
        if in_order is not None:
            found.append(Family(name, kind, in_order))
        else:
            found += [Family(metric, "unknown", own) for metric, own in members.items()]
    return sorted(found, key=lambda family: family.name)


def family_name(metric: str, metric_type: str) -> str:
    """The family that a metric name of this type belongs to, e.g. `x_total` -> `x`, `y_bucket` -> `y`."""
    for suffix in _SUFFIXES.get(metric_type, ()):
        if metric.endswith(suffix):
            return metric.removesuffix(suffix)
    return metric


def bound_text(bound: float) -> str:
    """A bound as Go writes it, and OpenMetrics wants it: `1.0`, `0.25`, `1e+06`, `+Inf`."""
    if bound in (float("inf"), float("-inf")):
        return "+Inf" if bound > 0 else "-Inf"
    text = repr(bound)
    point = text.find(".")
    if bound > 0 and point > 6:
        digits = f"{text[0]}.{text[1:point]}{text[point + 1 :]}".rstrip("0").rstrip(".")
        return f"{digits}e+{point - 1:02d}"
    return text


def _grouped(by_metric: dict[str, list[Sample]]) -> dict[tuple[str, str], dict[str, list[Sample]]]:
    """(family, type) -> metric -> its samples. A metric whose series disagree on the type is unknown."""
    grouped: dict[tuple[str, str], dict[str, list[Sample]]] = defaultdict(dict)
    for metric, own in by_metric.items():
        types = {one.type for one in own}
        kind = types.pop() if len(types) == 1 else "unknown"
        grouped[family_name(metric, kind), kind][metric] = own
    # When something was created is told as a gauge of its own in the classic format, as part of it in OpenMetrics.
    for metric in [one for one in by_metric if one.endswith(CREATED)]:
        base = metric.removesuffix(CREATED)
        kinds = [kind for kind in _CLAIMS if (base, kind) in grouped]
        for own_kind in ("gauge", "unknown"):
            if len(kinds) == 1 and (metric, own_kind) in grouped:
                grouped[base, kinds[0]] |= grouped.pop((metric, own_kind))
    return grouped


def _ordered(name: str, kind: str, members: dict[str, list[Sample]]) -> list[Sample] | None:
    """The samples of a counter, histogram or summary in legal order; None if they are not legal."""
    places = []
    for metric, own in members.items():
        suffix = metric.removeprefix(name)
        for sample in own:
            place = _place(kind, suffix, sample)
            if place is None:
                return None
            places.append(place)
    in_order = sorted(places, key=lambda one: (one.group, one.rank, one.bound))
    legal = {"counter": _is_counter, "histogram": _is_histogram, "summary": _is_summary}[kind]
    if not all(legal(list(group)) for _, group in groupby(in_order, key=lambda one: one.group)):
        return None
    return [place.sample for place in in_order]


def _place(kind: str, suffix: str, sample: Sample) -> _Place | None:
    metric, _, rest = sample.series.partition("{")
    inner = rest.removesuffix("}")
    wanted = _BOUNDS.get(kind)
    found = next((one for one in _BOUND.finditer(inner) if one[1] == wanted), None)
    if wanted is None or suffix != ("_bucket" if kind == "histogram" else ""):
        legal = suffix in _CLAIMS[kind][1:] and found is None
        return _Place(inner, _RANKS[suffix], 0.0, sample) if legal else None
    if found is None:
        return None
    try:
        bound = float(found[2])
    except ValueError:
        return None
    if bound_text(bound) != found[2]:  # Go writes le="1", OpenMetrics wants le="1.0"
        sample = sample._replace(series=key_of({**labels_of(sample.series), wanted: bound_text(bound), NAME: metric}))
    return _Place((inner[: found.start()] + inner[found.end() :]).removeprefix(","), 0, bound, sample)


def _values(group: list[_Place], rank: int) -> list[float]:
    return [place.sample.value for place in group if place.rank == rank]


def _is_counter(group: list[_Place]) -> bool:
    return len(_values(group, 0)) == 1 and group[0].sample.value >= 0


def _is_histogram(group: list[_Place]) -> bool:
    bounds = [place.bound for place in group if place.rank == 0]
    buckets, counts, sums = _values(group, 0), _values(group, 1), _values(group, 2)
    if not bounds or bounds[-1] != float("inf") or not all(low < high for low, high in pairwise(bounds)):
        return False
    if not all(value.is_integer() for value in buckets) or not all(
        low <= high for low, high in pairwise([0.0, *buckets])
    ):
        return False
    if not counts and not sums:
        return True
    return counts == buckets[-1:] and len(sums) == 1 and sums[0] >= 0 and bounds[0] >= 0


def _is_summary(group: list[_Place]) -> bool:
    bounds = [place.bound for place in group if place.rank == 0]
    return (
        all(0 <= bound <= 1 for bound in bounds)
        and all(low < high for low, high in pairwise(bounds))
        and not any(value < 0 for value in _values(group, 0))
        and all(value >= 0 and value.is_integer() for value in _values(group, 1))
        and all(value >= 0 for value in _values(group, 2))
    )
