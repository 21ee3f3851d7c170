"""When a group that is evaluated on arrival would have been evaluated: on its grid, and whenever a sample came.

What came when is not stored; a sample counts as arrived at its own time, as it does live for whoever is not late.
"""

from collections.abc import Iterator

import numpy as np

from shared.promql.matching import Selector
from shared.promql.series_sets import Ints
from shared.promql.source import Source
from shared.rules.plan import GroupPlan

STRETCH_MS = 3_600_000
"""Samples are looked at in stretches of that length, so that a source need not hold all of them at once."""


class TooManyInstants(ValueError):
    """A group would be evaluated more often than is allowed; the text says how often."""


def grid(plan: GroupPlan, start_ms: int, end_ms: int) -> Ints:
    """The multiples of the group's interval in [start, end]."""
    first = -(-start_ms // plan.interval_ms) * plan.interval_ms
    return np.arange(first, end_ms + 1, plan.interval_ms, dtype=np.int64)


def arrivals(plan: GroupPlan, source: Source, start_ms: int, end_ms: int, most: int) -> Ints:
    """The instants in [start, end] at which an immediate group is evaluated, each once, in order.

    `source` holds the samples from the world and of other groups; what the group makes itself is no arrival for it.
    TooManyInstants if there are more than `most`.
    """
    selectors = sorted({selector for rule in plan.rules for selector in rule.query.selectors}, key=repr)
    found = [grid(plan, start_ms, end_ms)]
    count = len(found[0])
    for first, last in _stretches(start_ms, end_ms):
        times = [_sampled(source, selector, first, last) for selector in selectors]
        if times:
            found.append(np.unique(np.concatenate(times)))
            count += len(found[-1])
        if count > most + len(found[0]):
            break
    instants = np.unique(np.concatenate(found))
    if len(instants) > most:
        raise TooManyInstants(
            f"group {plan.name!r} would be evaluated more than {most} times: on each of its samples' arrival. "
            "Try it on a shorter range, or let it select less"
        )
    return instants


def _sampled(source: Source, selector: Selector, first_ms: int, last_ms: int) -> Ints:
    """The times of the samples that a selector selects, in [first, last]."""
    found = source.select(selector.matchers, first_ms - 1, last_ms)
    times = [block.times for block in found.blocks if len(block.rows)]
    if not times:
        return np.zeros(0, np.int64)
    every = np.concatenate(times)
    return every[(every >= first_ms) & (every <= last_ms)]


def _stretches(start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    for first in range(start_ms, end_ms + 1, STRETCH_MS):
        yield first, min(first + STRETCH_MS - 1, end_ms)
