"""Whether an answer is what a script expects; the reason if not."""

import math

import numpy as np

from shared.promql.query import Answer
from shared.promql.series_sets import Labels, SeriesSet
from shared.promql.values import Matrix, Scalar, Text, Vector
from tests.promqltest.notation import NATIVE
from tests.promqltest.script import Eval

_TOLERANCE = 1e-6
_SMALLEST_NORMAL = 2.2250738585072014e-308
Points = dict[int, float]


def difference(expected: Eval, answer: Answer) -> str | None:
    """What is wrong with the answer, None if nothing is."""
    remarks = _remarks(expected, answer)
    if remarks:
        return remarks
    value = answer.value
    if expected.string is not None:
        same = isinstance(value, Text) and value.value == expected.string
        return None if same else f"expected the string {expected.string!r}, got {value!r}"
    if expected.scalar is not None:
        if not isinstance(value, Scalar):
            return f"expected a scalar, got a {type(value).__name__}"
        return None if equal(expected.scalar, float(value.values[0])) else _unequal(expected.scalar, value.values[0])
    if isinstance(value, Text):
        return "expected series, got a string"
    if isinstance(value, Scalar):
        if not expected.step_ms:
            return "expected series, got a scalar"
        everywhere = np.ones((1, len(value.values)), np.bool_)
        value = Vector(SeriesSet([()]), value.values[None], everywhere, np.zeros(1, np.bool_))
    return _compare_series(expected, _points(value, answer), ordered="ordered" in expected.conditions)


def touches_native(expected: Eval) -> bool:
    """Whether a native histogram is expected."""
    return any(NATIVE in one.entries for one in expected.series)


def equal(one: float, other: float) -> bool:
    """Equal within the tolerance of the scripts."""
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    total, apart = abs(one) + abs(other), abs(one - other)
    if one == 0 or other == 0 or total < _SMALLEST_NORMAL:
        return apart < _TOLERANCE * _SMALLEST_NORMAL
    return apart / min(total, 1.7976931348623157e308) < _TOLERANCE


def _remarks(expected: Eval, answer: Answer) -> str | None:
    for kind, found in (("warn", answer.remarks.warnings), ("info", answer.remarks.infos)):
        if kind in expected.conditions and not found:
            return f"expected the annotation {kind!r}"
        if f"no_{kind}" in expected.conditions and found:
            return f"unexpected annotation: {next(iter(found))}"
    return None


def _points(value: Vector | Matrix, answer: Answer) -> list[tuple[Labels, Points]]:
    if isinstance(value, Matrix):
        return [
            (value.series[one.row], dict(zip(one.times.tolist(), one.values.tolist(), strict=True)))
            for one in value.samples
        ]
    times = answer.times.tolist()
    return [
        (
            labels,
            {times[step]: float(value.values[row, step]) for step in range(len(times)) if value.present[row, step]},
        )
        for row, labels in enumerate(value.series)
    ]


def _compare_series(expected: Eval, found: list[tuple[Labels, Points]], ordered: bool) -> str | None:
    wanted = _wanted(expected)
    if ordered and [labels for labels, _ in wanted] != [labels for labels, _ in found]:
        return f"expected the order {[labels for labels, _ in wanted]}, got {[labels for labels, _ in found]}"
    if len({labels for labels, _ in found}) != len(found):
        return "a series stands twice in the answer"
    got = dict(found)
    for labels, points in wanted:
        if labels not in got:
            return f"expected {dict(labels)}, got {[dict(labels) for labels in got] or 'nothing'}"
        reason = _compare_points(points, got[labels])
        if reason:
            return f"{dict(labels)}: {reason}"
    surplus = got.keys() - {labels for labels, _ in wanted}
    return f"unexpected {[dict(labels) for labels in surplus]}" if surplus else None


def _wanted(expected: Eval) -> list[tuple[Labels, Points]]:
    start, step = expected.start_ms, expected.step_ms
    if expected.range_times is not None:
        start, _, step = expected.range_times
    wanted = [
        (
            one.labels,
            {start + place * step: float(entry) for place, entry in enumerate(one.entries) if entry is not None},
        )
        for one in expected.series
    ]
    return [one for one in wanted if one[1]]


def _compare_points(wanted: Points, got: Points) -> str | None:
    if wanted.keys() != got.keys():
        return f"expected values at {sorted(wanted)}, got them at {sorted(got)}"
    differing = [time for time in wanted if not equal(wanted[time], got[time])]
    return f"at {differing[0]}: {_unequal(wanted[differing[0]], got[differing[0]])}" if differing else None


def _unequal(wanted: float, got: float) -> str:
    return f"expected {wanted}, got {got}"
