"""Label matchers: which alerts are meant. A label that an alert lacks counts as empty."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

import re2  # type: ignore[import-untyped]

from shared.routing.errors import BadMatcher
from shared.routing.quoting import quoted

Operator = Literal["=", "!=", "=~", "!~"]
OPERATORS: tuple[Operator, ...] = ("=", "!=", "=~", "!~")
# What a name can't hold in the text of a matcher, unless it is quoted.
RESERVED = frozenset("{}!=~,\\\"'`")


@dataclass(frozen=True)
class Matcher:
    """One condition on a label. Regular expressions are RE2's and match the whole value; as in Alertmanager, a dot
    doesn't match a line feed."""

    name: str
    operator: Operator
    value: str

    def matches(self, text: str) -> bool:
        """Whether a label with this value satisfies it. BadMatcher if its value is no regular expression."""
        if self.operator == "=":
            return text == self.value
        if self.operator == "!=":
            return text != self.value
        return (_pattern(self.value).fullmatch(text) is not None) == (self.operator == "=~")

    def __str__(self) -> str:
        """Alertmanager's text: `severity="critical"`; the name is quoted where it has to be."""
        if any(character.isspace() or character in RESERVED for character in self.name):
            return f"{quoted(self.name)}{self.operator}{quoted(self.value)}"
        escaped = self.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'{self.name}{self.operator}"{escaped}"'


def checked(name: str, operator: Operator, value: str) -> Matcher:
    """The matcher. BadMatcher if the name is empty or the value is no regular expression where it has to be one."""
    if not name:
        raise BadMatcher("a matcher needs the name of a label")
    if operator in ("=~", "!~"):
        _pattern(value)
    return Matcher(name, operator, value)


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every matcher is satisfied; no matchers match everything."""
    return all(one.matches(labels.get(one.name, "")) for one in matchers)


def in_order(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    """In Alertmanager's order: by name, then value, then operator."""
    return tuple(sorted(matchers, key=lambda one: (one.name, one.value, OPERATORS.index(one.operator))))


def matchers_text(matchers: Iterable[Matcher]) -> str:
    """Alertmanager's text of several: `{a="b",c!="d"}`."""
    return f"{{{','.join(map(str, matchers))}}}"


class _Regexp(Protocol):
    def fullmatch(self, text: str, /) -> object | None: ...


@lru_cache(maxsize=4_096)
def _pattern(pattern: str) -> _Regexp:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: _Regexp = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BadMatcher(f"regular expression {pattern[:120]!r}: {reason}") from error
    return compiled
