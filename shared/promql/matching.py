"""Label matchers: which series a selector selects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

import re2  # type: ignore[import-untyped]

from shared.messages.series import NAME
from shared.promql.errors import BadQuery

MatchOp = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True)
class Matcher:
    """One condition on a label. A label that a series lacks counts as empty."""

    label: str
    op: MatchOp
    value: str

    def matches(self, text: str) -> bool:
        """Whether a label with this text satisfies the matcher."""
        if self.op == "=":
            return text == self.value
        if self.op == "!=":
            return text != self.value
        return (_pattern(self.value).fullmatch(text) is not None) == (self.op == "=~")


@dataclass(frozen=True)
class Selector:
    """A vector selector: all series that every matcher accepts."""

    matchers: tuple[Matcher, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the series with these labels (`__name__` among them) is selected."""
        return all(matcher.matches(labels.get(matcher.label, "")) for matcher in self.matchers)

    @property
    def metric(self) -> str | None:
        """The metric name if the selector names exactly one."""
        return next((one.value for one in self.matchers if one.label == NAME and one.op == "="), None)


def check_pattern(pattern: str) -> None:
    """BadQuery if `pattern` is no regular expression in RE2's syntax, or too large for it."""
    _pattern(pattern)


class _Match(Protocol):
    def group(self, name: int | str, /) -> str | None: ...


class _Regexp(Protocol):
    def fullmatch(self, text: str, /) -> _Match | None: ...


@lru_cache(maxsize=4_096)
def _pattern(pattern: str) -> _Regexp:
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True  # as Prometheus: the dot matches a line feed too
    try:
        compiled: _Regexp = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BadQuery(f"regular expression {pattern[:120]!r}: {reason}") from error
    return compiled


class Captures:
    """A pattern whose groups are put into a replacement (`$1`, `${name}`, `$$`), as label_replace does it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = _pattern(pattern)

    def expand(self, text: str, replacement: str) -> str | None:
        """The replacement with its references filled in, None if the pattern does not match the whole text."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        return _REFERENCE.sub(lambda reference: _referred(found, reference), replacement)


_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)


def _referred(found: "_Match", reference: re.Match[str]) -> str:
    if reference[1]:
        return "$"
    name = reference[2] or reference[3]
    try:
        return found.group(int(name) if name.isdecimal() else name) or ""
    except (IndexError, KeyError):
        return ""
