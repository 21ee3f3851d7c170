"""The tree of routes: which receivers an alert goes to, and which alerts are told together. As Alertmanager's, with
`immediate` and `escalation`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from shared.routing.matchers import Matcher, all_match, in_order, matchers_text
from shared.routing.quoting import quoted

GROUP_WAIT_MS = 30_000
GROUP_INTERVAL_MS = 5 * 60_000
REPEAT_INTERVAL_MS = 4 * 3_600_000
ALL: Literal["..."] = "..."

GroupBy = frozenset[str] | Literal["..."]


@dataclass(frozen=True)
class Escalation:
    """Who is told as well, of what still fires and nobody has acknowledged."""

    after_ms: int
    """Since it was told."""
    receiver: str


@dataclass(frozen=True)
class Route:
    """A node of the tree, with everything that it inherits."""

    receiver: str
    group_by: GroupBy = frozenset()
    """Alerts whose values of these labels are the same are told together; `...`: each alert by itself."""
    group_wait_ms: int = GROUP_WAIT_MS
    """How long a new group waits for further alerts."""
    group_interval_ms: int = GROUP_INTERVAL_MS
    """How long after one look at a group the next one is: changes wait for it."""
    repeat_interval_ms: int = REPEAT_INTERVAL_MS
    """What still fires is told again after this long."""
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False
    """Whether siblings behind it are tried though it matches."""
    mute_time_intervals: tuple[str, ...] = ()
    """While one of these is on, nothing is told. Not inherited."""
    active_time_intervals: tuple[str, ...] = ()
    """If there are any, something is only told while one of them is on. Not inherited."""
    immediate: bool = False
    """No group wait, and each alert by itself unless `group_by` says otherwise."""
    escalation: tuple[Escalation, ...] = ()
    routes: "tuple[Route, ...]" = ()
    key: str = "{}"
    """Alertmanager's key of the route: the matchers on the way to it. Siblings may share it."""
    id: str = "{}"
    """The key, made unique in the tree: the second of siblings with the same key ends in `#2`."""


GroupWay = tuple[Route, Mapping[str, str], str]
"""A route that an alert takes, the labels by which it is grouped there, and the key of that group."""


@dataclass(frozen=True)
class RouteDraft:
    """A route as a configuration has it: None is inherited."""

    receiver: str | None = None
    group_by: GroupBy | None = None
    group_wait_ms: int | None = None
    group_interval_ms: int | None = None
    repeat_interval_ms: int | None = None
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    immediate: bool | None = None
    escalation: tuple[Escalation, ...] | None = None
    routes: "tuple[RouteDraft, ...]" = ()


@dataclass(frozen=True)
class _Inherited:
    """What a route hands down to its children."""

    receiver: str = ""
    group_by: GroupBy = frozenset()
    group_wait_ms: int = GROUP_WAIT_MS
    group_interval_ms: int = GROUP_INTERVAL_MS
    repeat_interval_ms: int = REPEAT_INTERVAL_MS
    immediate: bool = False
    group_by_of_immediate: GroupBy = ALL
    """What `group_by` is where it is immediate: what was given there or below."""
    escalation: tuple[Escalation, ...] = ()


def build(draft: RouteDraft) -> Route:
    """The tree of which `draft` is the root."""
    key = matchers_text(in_order(draft.matchers))
    return _build(draft, _Inherited(), key, key)


def matching(root: Route, labels: Mapping[str, str]) -> list[Route]:
    """The routes that an alert with these labels takes, the first in the tree first; empty only if the root itself has
    matchers that don't match."""
    if not all_match(root.matchers, labels):
        return []
    found: list[Route] = []
    for child in root.routes:
        below = matching(child, labels)
        found += below
        if below and not child.continue_:
            break
    return found or [root]


def group_labels(route: Route, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels by which an alert is grouped on this route, by name. A label that it lacks is left out."""
    by = route.group_by
    return {name: value for name, value in sorted(labels.items()) if by == ALL or name in by}


def group_key(route: Route, labels: Mapping[str, str]) -> str:
    """Alertmanager's text for a group of this route with these group labels: `{}/{a="b"}:{alertname="x"}`."""
    texts = sorted(f"{name}={quoted(value)}" for name, value in labels.items())
    return f"{route.key}:{{{', '.join(texts)}}}"


def group_ways(root: Route, labels: Mapping[str, str]) -> Iterator[GroupWay]:
    """The groups that an alert with these labels is in. Their key is Alertmanager's, but that siblings with the same
    matchers are told apart."""
    for route in matching(root, labels):
        shared = group_labels(route, labels)
        yield route, shared, route.id + group_key(route, shared)[len(route.key) :]


def walk(root: Route) -> Iterator[Route]:
    """The route and all below it, as they stand."""
    yield root
    for child in root.routes:
        yield from walk(child)


def _build(draft: RouteDraft, above: _Inherited, key: str, identity: str) -> Route:
    own = _own(draft, above)
    return Route(
        receiver=own.receiver,
        group_by=own.group_by_of_immediate if own.immediate else own.group_by,
        group_wait_ms=0 if own.immediate else own.group_wait_ms,
        group_interval_ms=own.group_interval_ms,
        repeat_interval_ms=own.repeat_interval_ms,
        matchers=in_order(draft.matchers),
        continue_=draft.continue_,
        mute_time_intervals=draft.mute_time_intervals,
        active_time_intervals=draft.active_time_intervals,
        immediate=own.immediate,
        escalation=own.escalation,
        routes=_children(draft, own, key, identity),
        key=key,
        id=identity,
    )


def _children(draft: RouteDraft, own: _Inherited, key: str, identity: str) -> tuple[Route, ...]:
    seen: dict[str, int] = {}
    children = []
    for child in draft.routes:
        text = matchers_text(in_order(child.matchers))
        seen[text] = seen.get(text, 0) + 1
        number = f"#{seen[text]}" if seen[text] > 1 else ""
        children.append(_build(child, own, f"{key}/{text}", f"{identity}/{text}{number}"))
    return tuple(children)


def _own(draft: RouteDraft, above: _Inherited) -> _Inherited:
    """What holds at the route: its own word, else what it inherits."""
    immediate = above.immediate if draft.immediate is None else draft.immediate
    by_of_immediate = above.group_by_of_immediate if immediate and above.immediate else ALL
    return replace(
        above,
        receiver=draft.receiver or above.receiver,
        group_by=above.group_by if draft.group_by is None else draft.group_by,
        group_wait_ms=above.group_wait_ms if draft.group_wait_ms is None else draft.group_wait_ms,
        group_interval_ms=above.group_interval_ms if draft.group_interval_ms is None else draft.group_interval_ms,
        repeat_interval_ms=above.repeat_interval_ms if draft.repeat_interval_ms is None else draft.repeat_interval_ms,
        immediate=immediate,
        group_by_of_immediate=by_of_immediate if draft.group_by is None else draft.group_by,
        escalation=above.escalation if draft.escalation is None else draft.escalation,
    )
