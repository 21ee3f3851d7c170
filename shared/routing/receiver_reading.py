"""Receivers of a configuration, and what `global` says for all of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.routing import global_keys
from shared.routing.fields import positive, without_nulls
from shared.routing.receivers import ELSEWHERE, KINDS, SILENT_ABOUT_ENDS, SUFFIX, Fallback, Integration, Receiver
from shared.rules.fields import FieldReader
from shared.rules.json_tree import plain
from shared.rules.tree import Tree

LONGEST_NAME = 200


def read_global(tree: Tree | None, reading: FieldReader) -> dict[str, Any]:
    """`global`, as it is written."""
    if tree is None or tree.is_null:
        return {}
    fields = reading.fields(without_nulls(tree), global_keys.KEYS, "'global'")
    reading.duration(fields.get("resolve_timeout"), "resolve_timeout")
    for one, other in global_keys.TWICE:
        if one in fields and other in fields:
            reading.add(fields[other], f"only one of {one} and {other}")
    return {key: plain(value) for key, value in fields.items()}


def read_receivers(tree: Tree | None, reading: FieldReader) -> dict[str, Receiver]:
    """All receivers by name; what is wrong is noted."""
    receivers: dict[str, Receiver] = {}
    trees: dict[str, Tree] = {}
    for item in reading.items(tree, "receivers"):
        receiver = _receiver(item, reading)
        if receiver is None:
            continue
        if receiver.name in receivers:
            first = reading.place(trees[receiver.name])
            reading.add(item, f"receiver {receiver.name[:80]!r} is already at {first}")
        receivers[receiver.name], trees[receiver.name] = receiver, item
    for name, receiver in receivers.items():
        _check_fallback(receiver, receivers, trees[name], reading)
    return receivers


def _receiver(item: Tree, reading: FieldReader) -> Receiver | None:
    known = {key: one for key, one in (item.mapping or {}).items() if not _is_elsewhere(key, one, reading)}
    keys = ("name", "fallback", *(kind + SUFFIX for kind in KINDS))
    fields = reading.fields(without_nulls(Tree(item.at, known or item.mapping, item.doubled)), keys, "a receiver")
    name = reading.text(fields.get("name"))
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        reading.add(item, f"a receiver needs a name, of at most {LONGEST_NAME} printable characters")
        return None
    return Receiver(
        name,
        tuple(one for kind in KINDS for one in _integrations(kind, fields.get(kind + SUFFIX), reading)),
        _fallback(fields.get("fallback"), reading),
    )


def _is_elsewhere(key: str, tree: Tree, reading: FieldReader) -> bool:
    """Whether it is a receiver of Alertmanager's that Pantau lacks; that is noted with the way out."""
    other = ELSEWHERE.get(key.removesuffix(SUFFIX)) if key.endswith(SUFFIX) else None
    if other is not None:
        reading.add(tree, f"{key} is not supported: use {other}")
    return other is not None


def _integrations(kind: str, tree: Tree | None, reading: FieldReader) -> Iterator[Integration]:
    for index, item in enumerate(reading.items(tree, kind + SUFFIX)):
        one = without_nulls(item)
        if item.is_null and kind == "log":
            one = Tree(item.at, mapping={})
        if one.mapping is None:
            reading.add(item, f"{kind}{SUFFIX} is a list of mappings")
            continue
        for key, at in one.doubled:
            reading.add(at, f"{key[:80]!r} is given twice")
        settings = {key: plain(value) for key, value in one.mapping.items()}
        told = one.mapping.get("send_resolved")
        resolved = kind not in SILENT_ABOUT_ENDS if told is None else reading.flag(told, "send_resolved")
        yield Integration(kind, index, settings, resolved, reading.place(item))


def _fallback(tree: Tree | None, reading: FieldReader) -> Fallback | None:
    if tree is None:
        return None
    fields = reading.fields(without_nulls(tree), ("after", "receiver"), "'fallback'")
    after = positive(fields.get("after"), "after", reading)
    receiver = reading.text(fields.get("receiver"))
    if after is None or not receiver:
        reading.add(tree, "'fallback' needs 'after' and 'receiver'")
        return None
    return Fallback(after, receiver)


def _check_fallback(receiver: Receiver, receivers: Mapping[str, Receiver], at: Tree, reading: FieldReader) -> None:
    """That the receivers which stand in for one another exist and come to an end."""
    path = [receiver.name]
    while (fallback := receivers[path[-1]].fallback) is not None:
        if fallback.receiver not in receivers:
            if len(path) == 1:
                reading.add(at, f"fallback: there is no receiver {fallback.receiver[:80]!r}")
            return
        path.append(fallback.receiver)
        if fallback.receiver == receiver.name:
            reading.add(at, f"fallback goes in a circle: {' -> '.join(path)}")
        if fallback.receiver in path[:-1]:
            return
