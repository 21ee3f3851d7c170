"""YAML as a tree."""

import yaml

from shared.rules.tree import MOST_NODES, Tree, bad_at, check_storable

MERGE = "tag:yaml.org,2002:merge"


def read_tree(text: str, place: str) -> Tree | None:
    """The one document in `text`; None if it is empty. BadRule `place:line: reason` if it is not YAML or expands
    without end."""
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            return None if node is None else _Reading(loader, place).tree(node, ())
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f":{mark.line + 1 if mark else 1}"
        raise bad_at(place, at, f"not YAML: {getattr(error, 'problem', None) or error}") from error
    except RecursionError as error:
        raise bad_at(place, ":1", "not YAML: it is nested too deeply") from error


class _Reading:
    """Makes trees of nodes; bounded, for aliases may expand a short text without end."""

    def __init__(self, loader: yaml.SafeLoader, place: str) -> None:
        self._loader, self._place = loader, place
        self._nodes = 0
        self._sizes: dict[int, int] = {}

    def tree(self, node: yaml.Node, above: tuple[int, ...]) -> Tree:
        self._nodes += 1
        if id(node) in above or self._nodes > MOST_NODES:
            raise _endless(node)
        above = (*above, id(node))
        at = f":{node.start_mark.line + 1}"
        if isinstance(node, yaml.SequenceNode):
            return Tree(at, sequence=[self.tree(item, above) for item in node.value])
        if not isinstance(node, yaml.MappingNode):
            check_storable(node.value, self._place, at)
            return Tree(at, text=node.value, value=self._scalar(node))
        doubled = _doubled(node)
        self._flatten(node)
        mapping = {}
        for key, value in node.value:
            check_storable(str(key.value), self._place, at)
            mapping[str(key.value)] = self.tree(value, above)
        return Tree(at, mapping=mapping, doubled=doubled)

    def _scalar(self, node: yaml.Node) -> object:
        try:
            return self._loader.construct_object(node)
        except (ValueError, OverflowError) as error:  # for instance a date that the calendar lacks
            raise yaml.constructor.ConstructorError(None, None, str(error)[:120], node.start_mark) from error

    def _flatten(self, node: yaml.MappingNode) -> None:
        """Merge what `<<` names into the mapping, unless that would make it grow without end."""
        if self._size(node, ()) > MOST_NODES:
            raise _endless(node)
        self._loader.flatten_mapping(node)

    def _size(self, node: yaml.Node, above: tuple[int, ...]) -> int:
        """How many pairs the mapping will have once everything is merged into it."""
        known = self._sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in above:
            raise _endless(node)
        above = (*above, id(node))
        size = 0
        for key, value in node.value:
            merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
            is_merge = key.tag == MERGE
            size += (
                sum(self._size(one, above) for one in merged if isinstance(one, yaml.MappingNode)) if is_merge else 1
            )
            if size > MOST_NODES:
                raise _endless(node)
        self._sizes[id(node)] = size
        return size


def _endless(node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, "aliases expand without end", node.start_mark)


def _doubled(node: yaml.MappingNode) -> tuple[tuple[str, str], ...]:
    seen: set[str] = set()
    found = []
    for key, _ in node.value:
        if str(key.value) in seen and key.tag != MERGE:
            found.append((str(key.value), f":{key.start_mark.line + 1}"))
        seen.add(str(key.value))
    return tuple(found)
