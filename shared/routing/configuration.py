"""Alertmanager's configuration file, and the same keys in `pantau.yaml`: what they say, or what is wrong where.

As Alertmanager reads it (0.25, and what came since), with `immediate`, `escalation`, `fallback` and `dates`. Read
strictly: what is unknown, missing or doubled is refused with file, line and reason, all problems at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.routing.errors import BadRouting
from shared.routing.fields import texts
from shared.routing.inhibition import InhibitRule
from shared.routing.intervals import TimeInterval, is_in, next_change_ms
from shared.routing.receiver_reading import read_global, read_receivers
from shared.routing.receivers import Receiver
from shared.routing.route_reading import read_inhibit_rule, read_root
from shared.routing.time_reading import read_time_intervals
from shared.routing.tree import Route, RouteDraft, build, walk
from shared.rules.errors import BadRule
from shared.rules.fields import FieldReader
from shared.rules.tree import Tree
from shared.rules.yaml_tree import read_tree

KEYS = ("global", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals", "templates")


@dataclass(frozen=True)
class Routing:
    """Everything that decides who is told of what, and when."""

    root: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, TimeInterval] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """`global`, as it is written."""
    templates: tuple[str, ...] = ()
    """Patterns of template files, as they are written."""

    def muted_by_time(self, route: Route, now_ms: int) -> str | None:
        """The name of the time interval because of which the route tells nothing at that instant (ms): one of those
        that mute it, or the first of those of which one would have to be on."""
        for name in route.mute_time_intervals:
            if is_in(self.time_intervals[name], now_ms):
                return name
        active = route.active_time_intervals
        if not active or any(is_in(self.time_intervals[name], now_ms) for name in active):
            return None
        return active[0]

    def next_time_change_ms(self, route: Route, now_ms: int) -> int | None:
        """The first instant (ms) after `now_ms` at which `muted_by_time` may give another answer; None: never within
        three years."""
        names = {*route.mute_time_intervals, *route.active_time_intervals}
        changes = [next_change_ms(self.time_intervals[name], now_ms) for name in names]
        return min((one for one in changes if one is not None), default=None)


def parse_routing(text: str, place: str) -> Routing:
    """The routing in the text of an alertmanager.yml. BadRouting: `place:line: reason`, one a line."""
    try:
        root = read_tree(text, place)
    except BadRule as error:
        raise BadRouting(error.problems) from error
    if root is None:
        raise BadRouting([(f"{place}:1", "is empty: a route and its receiver are needed")])
    return read_routing(root, place)


def read_routing(root: Tree, place: str) -> Routing:
    """The routing in a tree whose keys are `KEYS`. BadRouting with all that is wrong and where."""
    reading = FieldReader(place)
    fields = reading.fields(root, KEYS, "the configuration")
    defaults = read_global(fields.get("global"), reading)
    receivers = read_receivers(fields.get("receivers"), reading)
    intervals = read_time_intervals(fields, reading)
    rules = tuple(
        read_inhibit_rule(one, reading) for one in reading.items(fields.get("inhibit_rules"), "inhibit_rules")
    )
    route = fields.get("route")
    draft = RouteDraft()
    if route is None or route.is_null:
        reading.add(root, "there is no route")
    else:
        draft = read_root(route, reading)
        _check_names(route, receivers, intervals, reading)
    routing = Routing(
        root=build(draft),
        receivers=receivers,
        inhibit_rules=rules,
        time_intervals=intervals,
        defaults=defaults,
        templates=tuple(texts(fields.get("templates"), "templates", reading)),
    )
    if reading.problems:
        raise BadRouting(reading.problems)
    return routing


def unused_receivers(routing: Routing) -> list[str]:
    """Receivers that nothing leads to."""
    used = {route.receiver for route in walk(routing.root)}
    used |= {step.receiver for route in walk(routing.root) for step in route.escalation}
    used |= {one.fallback.receiver for one in routing.receivers.values() if one.fallback is not None}
    return [name for name in routing.receivers if name not in used]


def _check_names(
    route: Tree, receivers: Mapping[str, Receiver], intervals: Mapping[str, TimeInterval], reading: FieldReader
) -> None:
    """That the receivers and time intervals that a route and those below it name do exist."""
    given = route.mapping or {}
    named = [given["receiver"]] if "receiver" in given else []
    for step in _sequence(given.get("escalation")):
        named += [one for key, one in (step.mapping or {}).items() if key == "receiver"]
    for one in named:
        if one.text and not one.is_null and one.text not in receivers:
            reading.add(one, f"there is no receiver {one.text[:80]!r}")
    for key in ("mute_time_intervals", "active_time_intervals"):
        for one in _sequence(given.get(key)):
            if one.text is not None and one.text not in intervals:
                reading.add(one, f"there is no time interval {one.text[:80]!r}")
    for child in _sequence(given.get("routes")):
        _check_names(child, receivers, intervals, reading)


def _sequence(tree: Tree | None) -> list[Tree]:
    return (tree.sequence if tree is not None else None) or []
