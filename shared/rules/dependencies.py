"""Which rule groups read what other groups make, and the cycles among them.

A group's instants wait for those of the groups that it reads, so a cycle would wait for itself: of the groups that are
in one, taken in a given order, the one that closes it is left out, with its path.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple, Protocol

from shared.messages.rules import AlertingRule, RecordingRule
from shared.messages.series import NAME
from shared.promql.errors import BadQuery
from shared.promql.matching import Matcher, Selector
from shared.promql.query import compile_query
from shared.rules.expansion import is_template, known_queries
from shared.rules.identities import ALERTNAME, ALERTS, ALERTS_FOR_STATE
from shared.rules.templates import BadTemplate

_ANYTHING = Selector(())


class GroupCycle(ValueError):
    """Groups read each other's outputs; the text gives the path."""


@dataclass(frozen=True)
class _Rules:
    """A group that has no name yet."""

    rules: Sequence[AlertingRule | RecordingRule]
    enabled: bool = True


class HasRules(Protocol):
    """A group, as far as its rules go."""

    @property
    def rules(self) -> Sequence[AlertingRule | RecordingRule]:
        """In their order."""
        ...

    @property
    def enabled(self) -> bool:
        """Whether they are evaluated."""
        ...


@dataclass(frozen=True)
class Wiring:
    """How one group hangs together with the others."""

    reads: tuple[str, ...] = ()
    """The groups that make what it selects, by name."""
    is_read: bool = False
    cycle: tuple[str, ...] = ()
    """If it is left out: the groups, each of which reads the next, from itself back to itself."""


class Output(NamedTuple):
    """Series that a rule makes, as far as they are known beforehand."""

    metric: str
    known: tuple[tuple[str, tuple[str, ...]], ...]
    """The values that a label may have; those of other labels are not known."""


def wire(groups: Mapping[str, HasRules], order: Mapping[str, int]) -> dict[str, Wiring]:
    """The wiring of every group. Where there is a cycle, groups are taken in the order of `order`, then by name."""
    makers = _Makers(groups)
    reads = {name: makers.read_by(name, groups[name]) for name in sorted(groups)}
    cycles = _cycles(reads, order)
    kept = {
        name: () if name in cycles else tuple(one for one in found if one not in cycles)
        for name, found in reads.items()
    }
    read = {one for found in kept.values() for one in found}
    return {name: Wiring(found, name in read, cycles.get(name, ())) for name, found in kept.items()}


def evaluation_order(groups: Sequence[tuple[str, Sequence[AlertingRule | RecordingRule]]]) -> list[int]:
    """The positions of groups, given by their names and rules, each after those that it reads. GroupCycle if there is
    no such order."""
    numbered = {str(place): _Rules(rules) for place, (_, rules) in enumerate(groups)}
    wirings = wire(numbered, {number: int(number) for number in numbered})
    for wiring in wirings.values():
        if wiring.cycle:
            path = " -> ".join(groups[int(number)][0] for number in wiring.cycle)
            raise GroupCycle(f"groups read each other's outputs: {path}")
    return [
        int(one) for one in TopologicalSorter({number: wirings[number].reads for number in numbered}).static_order()
    ]


@lru_cache(maxsize=65_536)
def query_selectors(expr: str) -> tuple[Selector, ...] | None:
    """The selectors of a query; None if the text is none."""
    try:
        return compile_query(expr).selectors
    except BadQuery:
        return None


@lru_cache(maxsize=65_536)
def template_selectors(text: str) -> tuple[Selector, ...]:
    """What the queries in a template may select. A text that is no template makes none."""
    try:
        queries = known_queries(text)
    except BadTemplate:
        return ()
    return tuple(selector for query in queries for selector in _filled_later(query))


def _filled_later(query: str | None) -> Iterable[Selector]:
    """The selectors of a query whose label values may hold verbs: those matchers are not known yet."""
    if query is None:
        return (_ANYTHING,)
    if "%" not in query:
        return query_selectors(query) or ()
    found = query_selectors(query.replace("%q", '"%"'))
    if found is None:
        return (_ANYTHING,)
    return [Selector(tuple(one for one in selector.matchers if "%" not in one.value)) for selector in found]


def selectors_of(group: HasRules) -> Iterator[Selector]:
    """What the rules of a group select, their templates included; rules that don't compile select nothing."""
    if not group.enabled:
        return
    for rule in group.rules:
        selectors = query_selectors(rule.expr)
        if selectors is None:
            continue
        yield from selectors
        for text in _texts(rule):
            if is_template(text):
                yield from template_selectors(text)


def outputs_of(group: HasRules) -> Iterator[Output]:
    """What the rules of a group make; rules that don't compile make nothing."""
    if not group.enabled:
        return
    for rule in group.rules:
        if query_selectors(rule.expr) is None:
            continue
        if isinstance(rule, RecordingRule):
            yield Output(rule.name, tuple((label, (value,)) for label, value in rule.labels.items()))
            continue
        known: dict[str, tuple[str, ...]] = {
            label: (value,) for label, value in rule.labels.items() if not is_template(value)
        }
        known[ALERTNAME] = (rule.name,)
        yield Output(ALERTS_FOR_STATE, tuple(known.items()))
        yield Output(ALERTS, tuple((known | {"alertstate": ("pending", "firing")}).items()))


def _texts(rule: AlertingRule | RecordingRule) -> Iterator[str]:
    if isinstance(rule, AlertingRule):  # the labels of a recording rule are not expanded
        yield from rule.labels.values()
        yield from rule.annotations.values()
        yield rule.message


def _may_select(matchers: Iterable[Matcher], output: Output) -> bool:
    known = dict(output.known)
    known[NAME] = (output.metric,)
    return all(one.label not in known or any(one.matches(value) for value in known[one.label]) for one in matchers)


class _Makers:
    """Finds the groups that make what a selector selects."""

    def __init__(self, groups: Mapping[str, HasRules]) -> None:
        # Nearly all selectors name their metric, and those of ALERTS their alert: two look-ups, no search.
        self._by_metric: dict[str, dict[Output, set[str]]] = {}
        self._by_alert: dict[tuple[str, str | None], dict[Output, set[str]]] = {}
        self._found: dict[Selector, frozenset[str]] = {}
        for name, group in groups.items():
            for output in outputs_of(group):
                self._by_metric.setdefault(output.metric, {}).setdefault(output, set()).add(name)
                alert = next(iter(dict(output.known).get(ALERTNAME, ())), None)
                self._by_alert.setdefault((output.metric, alert), {}).setdefault(output, set()).add(name)

    def read_by(self, name: str, group: HasRules) -> tuple[str, ...]:
        """The other groups that make what `group` selects, by name."""
        found: set[str] = set()
        for selector in set(selectors_of(group)):
            found |= self._of(selector)
        return tuple(sorted(found - {name}))

    def _of(self, selector: Selector) -> frozenset[str]:
        found = self._found.get(selector)
        if found is None:
            found = self._found[selector] = frozenset(
                name
                for outputs in self._candidates(selector)
                for output, names in outputs.items()
                if _may_select(selector.matchers, output)
                for name in names
            )
        return found

    def _candidates(self, selector: Selector) -> Iterator[Mapping[Output, set[str]]]:
        exact = {one.label: one.value for one in selector.matchers if one.op == "="}
        if (metric := exact.get(NAME)) is None:
            names = [one for one in selector.matchers if one.label == NAME]
            yield from (some for name, some in self._by_metric.items() if all(one.matches(name) for one in names))
        elif (alert := exact.get(ALERTNAME)) is not None:
            yield self._by_alert.get((metric, alert), {})
            yield self._by_alert.get((metric, None), {})
        else:
            yield self._by_metric.get(metric, {})


def _cycles(reads: Mapping[str, tuple[str, ...]], order: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """The groups that close a cycle with those taken before them, and the shortest such cycle."""
    cycles: dict[str, tuple[str, ...]] = {}
    taken = set(reads) - _beyond_cycles(reads)
    for name in sorted(set(reads) - taken, key=lambda one: (order.get(one, 0), one)):
        path = _path_back(name, reads, taken)
        if path:
            cycles[name] = path
        else:
            taken.add(name)
    return cycles


def _beyond_cycles(reads: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The groups in cycles, and those that read from there, directly or not: all others are in none."""
    sorter = TopologicalSorter(reads)
    try:
        sorter.prepare()
    except CycleError:
        left = set(reads)
        while ready := sorter.get_ready():  # goes as far as the cycles let it
            left.difference_update(ready)
            sorter.done(*ready)
        return left
    return set()


def _path_back(start: str, reads: Mapping[str, tuple[str, ...]], taken: set[str]) -> tuple[str, ...]:
    """The shortest path from a group through what is taken back to itself; empty if there is none."""
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for one in reads[name]:
            if one == start:
                path = [start, name]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return tuple(reversed(path))
            if one in taken and one not in came_from:
                came_from[one] = name
                waiting.append(one)
    return ()
