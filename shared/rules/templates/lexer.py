"""Template text as pieces: plain text, and actions `{{ … }}` as tokens."""

import re
from dataclasses import dataclass
from typing import Literal

from shared.rules.templates.errors import BadTemplate

Kind = Literal["string", "char", "number", "field", "dot", "variable", "word", "punctuation"]

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    |(?P<char>'(?:[^'\\\n]|\\.)+')
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))
    |(?P<field>\.[^\W\d]\w*)
    |(?P<dot>\.)
    |(?P<variable>\$\w*)
    |(?P<word>[^\W\d]\w*)
    |(?P<punctuation>:=|[=|(),])""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n]+")
_END = re.compile(r"(?:[ \t\r\n]-)?\}\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACES = " \t\r\n"


@dataclass(frozen=True)
class Place:
    """Where something stands in the text, counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True)
class Token:
    """A word of an action. `spaced`: white space stands before it."""

    kind: Kind
    text: str
    place: Place
    spaced: bool


@dataclass(frozen=True)
class Plain:
    """Text that is written as it is."""

    text: str


@dataclass(frozen=True)
class Action:
    """The tokens between `{{` and `}}`."""

    tokens: tuple[Token, ...]
    place: Place


def pieces_of(source: str) -> list[Plain | Action]:
    """The pieces in order; trim markers applied, comments left out. BadTemplate if an action is not well formed."""
    pieces: list[Plain | Action] = []
    position, trims = 0, False
    while True:
        start = source.find("{{", position)
        text = source[position:] if start < 0 else source[position:start]
        if trims:
            text = text.lstrip(_SPACES)
        if start >= 0 and re.match(r"\{\{-[ \t\r\n]", source[start:]):
            text = text.rstrip(_SPACES)
        if text:
            pieces.append(Plain(text))
        if start < 0:
            return pieces
        action, position, trims = _action(source, start)
        if action is not None:
            pieces.append(action)


def _action(source: str, start: int) -> tuple[Action | None, int, bool]:
    """The action that begins at `start` (None: a comment), where it ends, and whether it trims what follows."""
    place = place_of(source, start)
    position = start + 2
    if re.match(r"-[ \t\r\n]", source[position : position + 2]):
        position += 2
    if comment := _COMMENT.match(source, position):
        end = _END.match(source, comment.end())
        if end is None:
            raise BadTemplate(f"{place}: comment ends before closing delimiter")
        return None, end.end(), "-" in end[0]
    tokens: list[Token] = []
    while True:
        spaced = False
        if space := _SPACE.match(source, position):
            # One character is left to a closing trim marker.
            trims = source.startswith("-}}", space.end())
            position, spaced = space.end() - trims, True
        if end := _END.match(source, position):
            return Action(tuple(tokens), place), end.end(), "-" in end[0]
        tokens.append(_token(source, position, place, spaced))
        position += len(tokens[-1].text)


def _token(source: str, position: int, opened: Place, spaced: bool) -> Token:
    found = _TOKEN.match(source, position)
    if found is None or found.lastgroup is None:
        if position >= len(source):
            raise BadTemplate(f"{opened}: unclosed action")
        raise BadTemplate(f"{place_of(source, position)}: unexpected {source[position : position + 10]!r} in action")
    return Token(found.lastgroup, found[0], place_of(source, position), spaced)  # type: ignore[arg-type]


def place_of(source: str, position: int) -> Place:
    """Line and column of a position."""
    before = source[:position]
    return Place(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
