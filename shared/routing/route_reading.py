"""Routes and inhibition rules of a configuration."""

from collections.abc import Iterator

from shared.promql.durations import duration_text
from shared.routing.fields import label_names, matchers, positive, texts, without_nulls
from shared.routing.inhibition import InhibitRule
from shared.routing.tree import ALL, Escalation, GroupBy, RouteDraft
from shared.rules.fields import FieldReader
from shared.rules.tree import Tree

LONGEST_REPEAT_MS = 14 * 86_400_000
DEEPEST = 50
_ROUTE_KEYS = (
    *("receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "match", "match_re", "matchers"),
    *("continue", "mute_time_intervals", "active_time_intervals", "immediate", "escalation", "routes"),
)
_ROOT_KEYS_OF_CHILDREN = ("match", "match_re", "matchers", "mute_time_intervals", "active_time_intervals")
_INHIBIT_KEYS = (
    *("name", "source_match", "source_match_re", "source_matchers"),
    *("target_match", "target_match_re", "target_matchers", "equal"),
)


def read_root(tree: Tree, reading: FieldReader) -> RouteDraft:
    """The whole tree; what is wrong is noted."""
    fields = without_nulls(tree).mapping or {}
    if "receiver" not in fields:
        reading.add(tree, "the root route needs a receiver: it takes what no other route does")
    for key in _ROOT_KEYS_OF_CHILDREN:
        if key in fields and not _is_empty(fields[key]):
            reading.add(fields[key], f"the root route takes every alert at any time: {key!r} belongs into 'routes'")
    if "continue" in fields and fields["continue"].value is True:
        reading.add(fields["continue"], "the root route has no siblings to continue with")
    return _route(tree, reading, 1)


def read_inhibit_rule(tree: Tree, reading: FieldReader) -> InhibitRule:
    """An inhibition rule."""
    fields = reading.fields(without_nulls(tree), _INHIBIT_KEYS, "an inhibition rule")
    return InhibitRule(
        source=matchers(fields, "source_", reading),
        target=matchers(fields, "target_", reading),
        equal=tuple(label_names(fields.get("equal"), "equal", reading)),
        name=reading.text(fields.get("name")) or "",
    )


def _is_empty(tree: Tree) -> bool:
    return not tree.mapping and not tree.sequence and not tree.text


def _route(tree: Tree, reading: FieldReader, depth: int) -> RouteDraft:
    fields = reading.fields(without_nulls(tree), _ROUTE_KEYS, "a route")
    immediate = reading.flag(fields["immediate"], "immediate") if "immediate" in fields else None
    if immediate and "group_wait" in fields:
        reading.add(fields["group_wait"], "'immediate' says that nothing is waited for: leave out 'group_wait'")
    if depth > DEEPEST:
        reading.add(tree, f"routes are nested more than {DEEPEST} deep")
    children = reading.items(fields.get("routes"), "routes") if depth <= DEEPEST else []
    return RouteDraft(
        receiver=reading.text(fields.get("receiver")),
        group_by=_group_by(fields.get("group_by"), reading),
        group_wait_ms=reading.duration(fields.get("group_wait"), "group_wait"),
        group_interval_ms=positive(fields.get("group_interval"), "group_interval", reading),
        repeat_interval_ms=_repeat_interval(fields.get("repeat_interval"), reading),
        matchers=matchers(fields, "", reading),
        continue_=reading.flag(fields.get("continue"), "continue"),
        mute_time_intervals=tuple(texts(fields.get("mute_time_intervals"), "mute_time_intervals", reading)),
        active_time_intervals=tuple(texts(fields.get("active_time_intervals"), "active_time_intervals", reading)),
        immediate=immediate,
        escalation=tuple(_escalation(fields["escalation"], reading)) if "escalation" in fields else None,
        routes=tuple(_route(one, reading, depth + 1) for one in children),
    )


def _group_by(tree: Tree | None, reading: FieldReader) -> GroupBy | None:
    """None is inherited; so is an empty list, as in Alertmanager."""
    names = label_names(tree, "group_by", reading)
    if ALL not in names:
        return frozenset(names) or None
    if len(names) > 1 and tree is not None:
        reading.add(tree, "'...' groups by all labels: no others can stand beside it")
    return ALL


def _repeat_interval(tree: Tree | None, reading: FieldReader) -> int | None:
    length = positive(tree, "repeat_interval", reading)
    if tree is not None and length is not None and length > LONGEST_REPEAT_MS:
        longest = duration_text(LONGEST_REPEAT_MS)
        reading.add(tree, f"repeat_interval is at most {longest}: what was told longer ago is not remembered for sure")
    return length


def _escalation(tree: Tree, reading: FieldReader) -> Iterator[Escalation]:
    before = 0
    for one in reading.items(tree, "escalation"):
        fields = reading.fields(without_nulls(one), ("after", "receiver"), "a step of escalation")
        after = positive(fields.get("after"), "after", reading)
        receiver = reading.text(fields.get("receiver"))
        if after is None or not receiver:
            reading.add(one, "a step of escalation needs 'after' and 'receiver'")
            continue
        if after <= before:
            reading.add(one, "the steps of an escalation are in order: each 'after' is later than the one above it")
        before = after
        yield Escalation(after, receiver)
