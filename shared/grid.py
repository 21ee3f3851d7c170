"""Steady grids: work at first + n * interval, however long each piece of it takes."""

import math


def next_on_grid(first: float, interval: float, now: float) -> float:
    """The first instant first + n * interval (n = 1, 2, ...) that lies after `now`; any one unit of time."""
    steps = max(1, math.floor((now - first) / interval) + 1)
    return first + steps * interval


def instants_passed(first: float, interval: float, since: float, now: float) -> int:
    """How many instants of the grid lie after `since` and not after `now`."""
    return max(0, math.floor((now - first) / interval) - math.floor((since - first) / interval))
