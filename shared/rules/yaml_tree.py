"""YAML as a tree that remembers lines and doubled keys, so that errors can name their place."""

from dataclasses import dataclass
from typing import Any

import yaml

from shared.rules.errors import BadRule


@dataclass(frozen=True)
class Tree:
    """A YAML value: exactly one of `mapping`, `sequence` and `text` is set; `value` is the scalar as YAML types it."""

    line: int
    mapping: "dict[str, Tree] | None" = None
    doubled: tuple[tuple[str, int], ...] = ()
    """Keys that a mapping gives more than once, with the line of the repetition."""
    sequence: "list[Tree] | None" = None
    text: str | None = None
    value: Any = None

    @property
    def is_null(self) -> bool:
        """Nothing is written here, or `null`."""
        return self.text is not None and self.value is None


MOST_NODES = 500_000


def read_tree(text: str, place: str) -> Tree | None:
    """The one document in `text`; None if it is empty. BadRule `place:line: reason` if it is not YAML or expands
    without end."""
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            return None if node is None else _Reading(loader).tree(node, ())
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise BadRule(f"{place}:{line}: not YAML: {getattr(error, 'problem', None) or error}") from error


class _Reading:
    """Makes trees of nodes; bounded, for aliases may expand a short text without end."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._nodes = 0

    def tree(self, node: yaml.Node, above: tuple[int, ...]) -> Tree:
        self._nodes += 1
        if id(node) in above or self._nodes > MOST_NODES:
            raise yaml.constructor.ConstructorError(None, None, "aliases expand without end", node.start_mark)
        above = (*above, id(node))
        line = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            return Tree(line, sequence=[self.tree(item, above) for item in node.value])
        if not isinstance(node, yaml.MappingNode):
            return Tree(line, text=node.value, value=self._loader.construct_object(node))
        doubled = _doubled(node)
        self._loader.flatten_mapping(node)
        return Tree(
            line,
            mapping={str(key.value): self.tree(value, above) for key, value in node.value},
            doubled=doubled,
        )


def _doubled(node: yaml.MappingNode) -> tuple[tuple[str, int], ...]:
    seen: set[str] = set()
    found = []
    for key, _ in node.value:
        if str(key.value) in seen and key.tag != "tag:yaml.org,2002:merge":
            found.append((str(key.value), key.start_mark.line + 1))
        seen.add(str(key.value))
    return tuple(found)
