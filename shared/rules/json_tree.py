"""JSON as a tree, whose places are paths: `body.groups[0].rules[2]`."""

import json
from collections.abc import Sequence
from typing import Any

from shared.rules.errors import BadRule
from shared.rules.tree import MOST_NODES, Tree, bad_at, check_storable

LONGEST_NUMBER = 30


class NotJson(BadRule):
    """The text isn't JSON at all."""


class _Number(str):
    """A number as it is written."""


class _Pairs(list[tuple[str, Any]]):
    """An object, doubled keys and all."""


def read_json_tree(text: str, place: str) -> Tree:
    """The value in `text`. NotJson, or BadRule `place.path: reason` for what can't be kept."""
    try:
        value = json.loads(
            text, parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_Pairs
        )
    except json.JSONDecodeError as error:
        reason = f"not JSON: {error.msg}"
        at = f", line {error.lineno}, column {error.colno}"
        raise NotJson(f"{place}{at}: {reason}", [(place + at, reason)]) from error
    except RecursionError as error:
        reason = "not JSON: it is nested too deeply"
        raise NotJson(f"{place}: {reason}", [(place, reason)]) from error
    return _Reading(place).tree(value, "")


class _Reading:
    def __init__(self, place: str) -> None:
        self._place = place
        self._nodes = 0

    def tree(self, value: Any, at: str) -> Tree:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise bad_at(self._place, at, f"there are more than {MOST_NODES} values")
        if isinstance(value, _Pairs):
            return self._mapping(value, at)
        if isinstance(value, list):
            return Tree(at, sequence=[self.tree(one, f"{at}[{number}]") for number, one in enumerate(value)])
        if isinstance(value, _Number):
            return Tree(at, text=str(value), value=_number(value))
        if isinstance(value, str):
            check_storable(value, self._place, at)
            return Tree(at, text=value, value=value)
        return Tree(at, text={None: "null", True: "true", False: "false"}[value], value=value)

    def _mapping(self, pairs: Sequence[tuple[str, Any]], at: str) -> Tree:
        mapping: dict[str, Tree] = {}
        doubled = []
        for key, value in pairs:
            check_storable(key, self._place, at)
            below = f"{at}.{key[:80]}"
            if key in mapping:
                doubled.append((key, below))
            mapping[key] = self.tree(value, below)
        return Tree(at, mapping=mapping, doubled=tuple(doubled))


def _number(text: str) -> int | float:
    """The number; one that is longer than anybody needs is only about as large as it says."""
    return int(text) if text.lstrip("-").isdigit() and len(text) <= LONGEST_NUMBER else float(text)


def plain(tree: Tree) -> Any:
    """The value as plain Python values."""
    if tree.mapping is not None:
        return {key: plain(value) for key, value in tree.mapping.items()}
    if tree.sequence is not None:
        return [plain(value) for value in tree.sequence]
    return tree.value
