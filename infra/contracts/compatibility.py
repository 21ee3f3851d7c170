"""Whether a changed schema would break a reader: one who knows the old schema and meets a new message, or one who knows
the new schema and meets an old message that is still in the log.

A topic holds both for as long as it keeps its messages, and services are replaced one after another, so both count.
What is allowed is what neither notices: a new optional field, and other words in descriptions.
"""

from collections.abc import Iterator
from typing import Any

# Words for people: no reader depends on them.
WORDS = frozenset({"$schema", "$id", "$defs", "$ref", "title", "description", "examples", "$comment"})
TOPIC_FACTS = ("name", "key", "cleanup", "partitions", "content_type")

Schema = dict[str, Any]


def breaks(old: Schema, new: Schema) -> list[str]:
    """What would break a reader, a sentence each that begins with the field's path. Empty if nothing would."""
    return [*_topic_breaks(old.get("x-topic", {}), new.get("x-topic", {})), *_Comparison(old, new).of(old, new, "")]


def _topic_breaks(old: Schema, new: Schema) -> Iterator[str]:
    for fact in TOPIC_FACTS:
        if old.get(fact) != new.get(fact):
            yield f"the topic's {fact} was {old.get(fact)!r}, is {new.get(fact)!r}"


class _Comparison:
    """Compares two schemas that each have definitions of their own."""

    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self._old_root, self._new_root = old_root, new_root
        self._compared: set[tuple[str, str]] = set()

    def of(self, old: Any, new: Any, path: str) -> Iterator[str]:
        """The breaks between the two nodes that `path` leads to."""
        if not isinstance(old, dict) or not isinstance(new, dict):
            if old != new:
                yield f"{_at(path)}: was {old!r}, is {new!r}"
            return
        references = (old.get("$ref", ""), new.get("$ref", ""))
        if any(references):
            if references in self._compared:  # a recursive definition
                return
            self._compared.add(references)
            old, new = _resolved(self._old_root, old), _resolved(self._new_root, new)
            yield from self.of(old, new, path)
            self._compared.discard(references)
            return
        yield from self._properties(old, new, path)
        yield from _enum(old, new, path)
        yield from self._alternatives(old, new, path)
        for word in sorted((old.keys() | new.keys()) - WORDS - {"properties", "required", "enum", "anyOf", "oneOf"}):
            if word in ("items", "additionalProperties", "x-column") and word in old and word in new:
                yield from self.of(old[word], new[word], f"{path}[]" if word == "items" else path)
            elif word == "default" and _grew(old.get(word), new.get(word)):
                continue  # a new optional field shows in the default of what holds it
            elif word not in ("x-topic", "discriminator") and old.get(word) != new.get(word):
                yield f"{_at(path)}: {word} was {old.get(word)!r}, is {new.get(word)!r}"

    def _properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        must_before, must_after = set(old.get("required", [])), set(new.get("required", []))
        for name, node in before.items():
            where = f"{path}.{name}" if path else name
            if name not in after:
                yield f"{where}: is gone; readers may rely on it"
                continue
            if name in must_before and name not in must_after:
                yield f"{where}: was always there, now may be missing; readers may rely on it"
            if name in must_after and name not in must_before:
                yield f"{where}: is required now; messages already in the log may lack it"
            yield from self.of(node, after[name], where)
        for name in sorted(must_after - before.keys()):
            where = f"{path}.{name}" if path else name
            yield f"{where}: is new and required; messages already in the log lack it, so give it a default"

    def _alternatives(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        for word in ("anyOf", "oneOf"):
            before, after = old.get(word, []), new.get(word, [])
            if len(before) != len(after):
                yield f"{_at(path)}: {len(before)} alternatives were possible, now {len(after)}"
            else:
                for number, (one, other) in enumerate(zip(before, after, strict=True)):
                    yield from self.of(one, other, f"{path}|{number}")


def _enum(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = old.get("enum", []), new.get("enum", [])
    for value in after:
        if value not in before:
            yield f"{_at(path)}: value {value!r} is new; readers that know only {before!r} can't take it"
    for value in before:
        if value not in after:
            yield f"{_at(path)}: value {value!r} is gone; messages already in the log may hold it"


def _grew(before: Any, after: Any) -> bool:
    """Whether both are objects, and all that the first holds the second holds unchanged."""
    return (
        isinstance(before, dict)
        and isinstance(after, dict)
        and all(after.get(name) == value for name, value in before.items())
    )


def _resolved(root: Schema, node: Schema) -> Schema:
    reference = node.get("$ref")
    if reference is None:
        return node
    target = root["$defs"][reference.removeprefix("#/$defs/")]
    return {**target, **{word: value for word, value in node.items() if word != "$ref"}}


def _at(path: str) -> str:
    return path or "the message"
