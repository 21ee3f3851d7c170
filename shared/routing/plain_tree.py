"""Plain values, as settings have them, as a tree whose places are paths: `/route/routes/0/receiver`."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shared.rules.tree import MOST_NODES, Tree, bad_at, check_storable

# YAML reads an unquoted 22:00 as a number in base 60: the minutes of the day.
_TIMES = ("start_time", "end_time")


def tree_of(value: Any) -> Tree:
    """The tree of mappings, lists and scalars. BadRule for what is none of these, or without end."""
    return _Reading().tree(value, "")


def steps_of(place: str) -> tuple[str | int, ...]:
    """The keys and numbers of a path."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in place.split("/")[1:]]
    return tuple(int(part) if part.isdecimal() else part for part in parts)


class _Reading:
    def __init__(self) -> None:
        self._nodes = 0

    def tree(self, value: Any, at: str) -> Tree:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise bad_at("", at, f"there are more than {MOST_NODES} values")
        if isinstance(value, Mapping):
            return Tree(
                at, mapping={str(key): self.tree(_scalar(key, one), _below(at, key)) for key, one in value.items()}
            )
        if isinstance(value, list | tuple):
            return Tree(at, sequence=[self.tree(one, _below(at, number)) for number, one in enumerate(value)])
        text = _text(value)
        if text is None:
            raise bad_at("", at, f"holds a value of type {type(value).__name__}: write it in quotes")
        check_storable(text, "", at)
        return Tree(at, text=text, value=value)


def _below(at: str, step: object) -> str:
    return f"{at}/{str(step)[:80].replace('~', '~0').replace('/', '~1')}"


def _scalar(key: object, value: Any) -> Any:
    if key in _TIMES and isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1440:
        return f"{value // 60:02d}:{value % 60:02d}"
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str | int | float) else None
