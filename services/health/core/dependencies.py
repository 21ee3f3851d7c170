"""Which checks depend on which: a site that stands behind a router can't be well without it."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Dependent(NamedTuple):
    """What the settings say of one check."""

    check: str
    depends_on: tuple[str, ...]
    place: str
    """Where it is said, e.g. `health.http.portal.depends_on`."""


MOST_SHOWN = 20


def refusal(dependents: Sequence[Dependent], members: Mapping[str, Collection[str]]) -> str | None:
    """Why these dependencies can't be: a name that no check has, or a cycle, with its path; None if they can.

    `members`: all checks, each with those that it sums up (the checks of its kind), if it does. Summing up is
    depending, too: what depends on the worst of its own kind would explain itself.
    """
    for one in dependents:
        for parent in one.depends_on:
            if parent not in members:
                known = sorted(members)
                more = f" and {len(known) - MOST_SHOWN} more" if len(known) > MOST_SHOWN else ""
                return f"{one.place}: there is no check {parent!r}; there are {', '.join(known[:MOST_SHOWN])}{more}"
    edges = {check: list(summed) for check, summed in members.items()}
    for one in dependents:
        edges[one.check] = [*edges.get(one.check, ()), *one.depends_on]
    for one in dependents:
        path = _way_back(one.check, edges)
        if path is not None:
            return f"{one.place}: goes in a circle: {' -> '.join(path)}"
    return None


def ancestors(check: str, depends_on: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What `check` depends on, the nearest first, each once; also through others. There must be no cycle."""
    found: dict[str, None] = {}
    level = list(depends_on.get(check, ()))
    while level:
        found |= dict.fromkeys(level)
        level = [parent for one in level for parent in depends_on.get(one, ()) if parent not in found]
    return tuple(found)


def _way_back(start: str, edges: Mapping[str, Sequence[str]]) -> list[str] | None:
    """A path from `start` to itself, both ends included; None if there is none."""
    came_from: dict[str, str] = {}
    waiting = [start]
    while waiting:
        at = waiting.pop()
        for parent in edges.get(at, ()):
            if parent == start:
                path = [start, at]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1] if at != start else [start, start]
            if parent not in came_from:
                came_from[parent] = at
                waiting.append(parent)
    return None
