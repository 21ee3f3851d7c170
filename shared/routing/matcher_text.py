"""Matchers from text: `severity="critical"`, `{a="b", c=~"d|e"}`.

Alertmanager has two grammars: the classic one (until 0.26 the only one), tolerant about quotes, and that of 0.27, which
allows any UTF-8 in names and is strict. As there, a text is taken by the newer one unless only the classic one
understands it, or the two disagree; then the classic one has it.
"""

import re

from shared.routing.errors import BadMatcher
from shared.routing.matchers import RESERVED, Matcher, Operator, checked
from shared.routing.quoting import unquoted

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CLASSIC = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.DOTALL)
_UNQUOTED = re.compile(rf"[^\s{re.escape(''.join(RESERVED))}]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPERATOR = re.compile(r"=~|!=|!~|=")
_SPACE = re.compile(r"\s*")


def parse_matchers(text: str) -> list[Matcher]:
    """All matchers in `text`, separated by commas, with or without braces. BadMatcher saying what is wrong."""
    try:
        strict = _strict(text)
    except BadMatcher as reason:
        try:
            return _classic(text)
        except BadMatcher:
            raise reason from None
    try:
        classic = _classic(text)
    except BadMatcher:
        return strict
    return classic


def parse_matcher(text: str) -> Matcher:
    """The one matcher in `text`. BadMatcher if there is none, or several."""
    found = parse_matchers(text)
    if len(found) != 1:
        raise BadMatcher(f"{text[:80]!r} holds {len(found)} matchers: one is expected")
    return found[0]


def _classic(text: str) -> list[Matcher]:
    return [_classic_matcher(token) for token in _classic_tokens(text.removeprefix("{").removesuffix("}"))]


def _classic_tokens(text: str) -> list[str]:
    """The parts between commas that are not in quotes; nothing behind the last comma is no part."""
    tokens, token, is_quoted, is_escaped = [], "", False, False
    for character in text:
        if character == "," and not is_quoted:
            tokens.append(token)
            token = ""
            continue  # as there, an escape that is pending stays so
        if character == '"':
            is_quoted = is_quoted if is_escaped else not is_quoted
        is_escaped = character == "\\" and not is_escaped
        token += character
    return [*tokens, token.strip()] if token.strip() else tokens


def _classic_matcher(text: str) -> Matcher:
    found = _CLASSIC.fullmatch(text)
    if found is None:
        raise BadMatcher(_expected(text))
    name, operator, raw = found.groups()
    is_quoted = raw.startswith('"')
    inner = raw.removeprefix('"')
    value, end = _classic_value(inner)
    if end != len(inner) - is_quoted:
        raise BadMatcher(f"{text[:80]!r}: the value holds a double quote that is not escaped")
    return checked(name, _operator(operator), value)


def _classic_value(text: str) -> tuple[str, int]:
    """The value up to the first double quote that is not escaped, and where that is (else the end). A backslash before
    something else than `n`, `"` and a backslash stands for itself."""
    value, at = "", 0
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and at + 1 < len(text):
            following = text[at + 1]
            value += {"n": "\n", '"': '"', "\\": "\\"}.get(following, "\\" + following)
            at += 2
        else:
            value += text[at]
            at += 1
    return value, at


def _strict(text: str) -> list[Matcher]:
    at = _skip(text, 0)
    has_brace = text[at : at + 1] == "{"
    at = _skip(text, at + has_brace)
    matchers: list[Matcher] = []
    while at < len(text) and text[at] != "}":
        matcher, at = _strict_matcher(text, at)
        matchers.append(matcher)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif at < len(text) and text[at] != "}":
            raise BadMatcher(f"{text[:80]!r}: a comma is missing before {text[at : at + 20]!r}")
    if has_brace != (text[at : at + 1] == "}"):
        raise BadMatcher(f"{text[:80]!r}: a brace is {'not closed' if has_brace else 'closed that was not opened'}")
    if _skip(text, at + has_brace) < len(text):
        raise BadMatcher(f"{text[:80]!r}: nothing can follow the closing brace")
    return matchers


def _strict_matcher(text: str, at: int) -> tuple[Matcher, int]:
    name, at = _strict_token(text, at)
    found = _OPERATOR.match(text, at)
    if name is None or found is None:
        raise BadMatcher(_expected(text))
    value, at = _strict_token(text, _skip(text, found.end()))
    if value is None:
        raise BadMatcher(f'{text[:80]!r}: a value is missing: write {name[:40]}{found.group()}"" for the empty one')
    return checked(name, _operator(found.group()), value), at


def _strict_token(text: str, at: int) -> tuple[str | None, int]:
    """A name or value, quoted or not, and where what follows it begins; None if there is none."""
    found = _QUOTED.match(text, at)
    if found is not None:
        try:
            return unquoted(found.group()), _skip(text, found.end())
        except ValueError as error:
            raise BadMatcher(f"{found.group()[:80]} {error}") from error
    found = _UNQUOTED.match(text, at)
    return (None, at) if found is None else (found.group(), _skip(text, found.end()))


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _operator(text: str) -> Operator:
    match text:
        case "=" | "!=" | "=~" | "!~":
            return text
        case _:
            raise BadMatcher(f"{text!r} is no operator")


def _expected(text: str) -> str:
    return f'{text[:80]!r} is no matcher: write for instance severity="critical" or instance=~"router-.*"'
