"""info(): add the labels of info series (`target_info` and the like) to the series that they describe."""

from collections.abc import Sequence

import numpy as np

from shared.messages.series import NAME
from shared.promql.errors import QueryFailed
from shared.promql.expressions import Expr, VectorSelector, children, value_type
from shared.promql.matching import Matcher
from shared.promql.series_sets import METADATA, Ints, Labels, SeriesSet, label_of, labels_from
from shared.promql.values import Floats, Vector

IDENTIFYING = ("instance", "job")
_TARGET_INFO = Matcher(NAME, "=", "target_info")


def name_matchers(selector: VectorSelector | None) -> tuple[Matcher, ...]:
    """Which metrics count as info series: those named; with exclusions alone, all others that end on `_info`."""
    given = () if selector is None else tuple(one for one in selector.matchers if one.label == NAME)
    if any(one.op in ("=", "=~") for one in given):
        return given
    return (Matcher(NAME, "=~", ".+_info"), *given) if given else (_TARGET_INFO,)


def data_matchers(selector: VectorSelector | None) -> tuple[Matcher, ...]:
    """Conditions on the labels to add."""
    return () if selector is None else tuple(one for one in selector.matchers if one.label != NAME)


def is_info(labels: Labels, names: Sequence[Matcher]) -> bool:
    """Whether a series is itself an info series, and so not enriched."""
    name = label_of(labels, NAME)
    return all(one.matches(name) for one in names)


def selector_paths(expr: Expr, path: tuple[Expr, ...] = ()) -> list[tuple[Expr, ...]]:
    """Paths from the outside to each selector: their `@` and offsets say when info series are looked at.

    None at all if some vector has no selector: then it is the step itself.
    """
    if isinstance(expr, VectorSelector):
        return [(*path, expr)]
    within = children(expr)
    if getattr(expr, "name", "") == "info":
        within = within[:1]
    found: list[tuple[Expr, ...]] = []
    for child in within:
        if value_type(child) in ("vector", "matrix"):
            inner = selector_paths(child, (*path, expr))
            if not inner:
                return []
            found += inner
    return found


def identity(labels: Labels) -> tuple[str, ...]:
    """What a series and its info series have in common; a missing label counts as empty."""
    return tuple(label_of(labels, name) for name in IDENTIFYING)


def enriched(base: Vector, infos: Vector, times: Floats, names: Sequence[Matcher],
             data: Sequence[Matcher]) -> Vector:  # fmt: skip
    """`base` with the labels of those info series that share its identifying labels.

    Of several info series of one metric the one with the newest sample counts (`times` [S, T] are those of `infos`).
    """
    steps = base.values.shape[1]
    newest = _newest(infos, times)
    wanted = frozenset(one.label for one in data)
    needs_match = not all(one.matches("") for one in data)
    labels: list[Labels] = []
    rows: list[int] = []
    masks = []
    for row, own in enumerate(base.series):
        ignored = is_info(own, names)
        chosen = (
            [] if ignored or not any(identity(own)) else [of for (_, key), of in newest.items() if key == identity(own)]
        )
        choice = np.stack(chosen) if chosen else np.full((1, steps), -1)
        patterns, pattern_of = np.unique(choice, axis=1, return_inverse=True)
        for which, pattern in enumerate(patterns.T):
            mask = (pattern_of.reshape(-1) == which) & base.present[row]
            matched = [infos.series[number] for number in pattern.tolist() if number >= 0]
            if not mask.any() or (not matched and needs_match and not ignored):
                continue
            labels.append(_added(own, matched, wanted))
            rows.append(row)
            masks.append(mask)
    taken = np.array(rows, np.int64)
    present = np.stack(masks) if masks else np.zeros((0, steps), np.bool_)
    return Vector(SeriesSet(labels), base.values[taken], present, base.dropped[taken])


def _newest(infos: Vector, times: Floats) -> dict[tuple[str, tuple[str, ...]], Ints]:
    """By metric and identity the row of the info series with the newest sample at each step, -1 for none."""
    found: dict[tuple[str, tuple[str, ...]], Ints] = {}
    best: dict[tuple[str, tuple[str, ...]], Floats] = {}
    for row, labels in enumerate(infos.series):
        key = (label_of(labels, NAME), identity(labels))
        if key not in found:
            found[key] = np.full(times.shape[1], -1)
            best[key] = np.full(times.shape[1], -np.inf)
        present = infos.present[row]
        if (present & (times[row] == best[key])).any():
            raise QueryFailed(f"found duplicate series for info metric {key[0]!r} at the same time")
        newer = present & (times[row] > best[key])
        found[key] = np.where(newer, row, found[key])
        best[key] = np.where(newer, times[row], best[key])
    return found


def _added(own: Labels, infos: Sequence[Labels], wanted: frozenset[str]) -> Labels:
    labels = dict(own)
    added: dict[str, str] = {}
    for info in infos:
        for name, value in info:
            if name in METADATA or (wanted and name not in wanted):
                continue
            if added.get(name, value) != value:
                raise QueryFailed(f"conflicting label: {name}")
            if name not in labels:
                added[name] = value
    return labels_from(labels | added)
