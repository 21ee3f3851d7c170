"""A document as a tree that remembers where everything stands, so that errors can name their place."""

from dataclasses import dataclass
from typing import Any

from shared.rules.errors import BadRule

MOST_NODES = 500_000


@dataclass(frozen=True)
class Tree:
    """A value: exactly one of `mapping`, `sequence` and `text` is set; `value` is the scalar as it is typed there."""

    at: str
    """Its place behind the document's: `:12` is a line, `.rules[2].expr` a path."""
    mapping: "dict[str, Tree] | None" = None
    doubled: tuple[tuple[str, str], ...] = ()
    """Keys that a mapping gives more than once, with the place of the repetition."""
    sequence: "list[Tree] | None" = None
    text: str | None = None
    value: Any = None

    @property
    def is_null(self) -> bool:
        """Nothing is written here, or `null`."""
        return self.text is not None and self.value is None


def bad_at(place: str, at: str, reason: str) -> BadRule:
    """The document can't be read any further."""
    return BadRule(f"{place}{at}: {reason}", [(place + at, reason)])


def check_storable(text: str, place: str, at: str) -> None:
    """BadRule for what neither the database nor the bus can keep."""
    if "\0" in text:
        raise bad_at(place, at, "holds the character NUL, which the database can't keep")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise bad_at(place, at, "holds half of a surrogate pair, which is no text")
