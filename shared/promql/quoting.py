"""String literals, as Go's grammar has them: byte escapes count bytes, so `"\\xff"` is no text."""

import re

from shared.promql.errors import BadQuery

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def unquote(literal: str) -> str:
    """The text of a literal with its quotes. BadQuery for an unknown escape or bytes that are no UTF-8."""
    mark, inner = literal[0], literal[1:-1]
    if mark == "`":
        return inner
    if "\\" not in inner:
        return inner
    found, position = bytearray(), 0
    for match in _ESCAPE.finditer(inner):
        found += inner[position : match.start()].encode() + _unescape(match[1], mark)
        position = match.end()
    found += inner[position:].encode()
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise BadQuery(f"the string {literal[:80]} is not UTF-8") from error


def quote(text: str) -> str:
    """A literal of the text, in double quotes."""
    return '"' + text.translate(_QUOTED) + '"'


_QUOTED = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    | {chr(code): f"\\x{code:02x}" for code in range(32) if chr(code) not in "\n\t\r"}
)


def _unescape(escape: str, mark: str) -> bytes:
    head, digits = escape[0], escape[1:]
    if head == "x" and digits:
        return bytes([int(digits, 16)])
    if head in "uU" and digits:
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise BadQuery(f"\\{escape} is no character")
        return chr(code).encode()
    if head in "01234567" and len(escape) == 3 and int(escape, 8) < 256:
        return bytes([int(escape, 8)])
    if escape == mark:
        return mark.encode()
    if escape in _SIMPLE:
        return _SIMPLE[escape].encode()
    raise BadQuery(f"unknown escape \\{escape} in a string")
