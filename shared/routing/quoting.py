"""Texts in double quotes, as Go writes and reads them: group keys and matchers are compared with Alertmanager's."""

import re

_SHORT = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v", "\\": "\\", '"': '"'}
_LONG = {letter: character for character, letter in _SHORT.items()}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.)|$)", re.DOTALL)


def quoted(text: str) -> str:
    """As Go's `strconv.Quote`."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(map(_written, text))}"'


def unquoted(text: str) -> str:
    """What stands in `text`, quotes included, as Go's `strconv.Unquote` reads it. ValueError if it is not quoted so."""
    inner = text[1:-1]
    if len(text) < 2 or text[0] != '"' or text[-1] != '"' or "\n" in inner:
        raise ValueError("is not a text in double quotes")
    parts = bytearray()
    end = 0
    for found in _ESCAPE.finditer(inner):
        parts += _plain(inner[end : found.start()]) + _read(found)
        end = found.end()
    parts += _plain(inner[end:])
    try:
        return parts.decode()
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8") from error


def _plain(text: str) -> bytes:
    if '"' in text:
        raise ValueError('holds a double quote: write \\"')
    return text.encode()


def _written(character: str) -> str:
    if character in _SHORT:
        return "\\" + _SHORT[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _read(found: re.Match[str]) -> bytes:
    byte, short, long, octal, letter = found.groups()
    if byte is not None:
        return bytes([int(byte, 16)])
    if octal is not None and int(octal, 8) < 256:
        return bytes([int(octal, 8)])
    if letter is not None and letter in _LONG:
        return _LONG[letter].encode()
    if short is not None or long is not None:
        code = int(short or long or "", 16)
        if code < 0x110000 and not 0xD800 <= code < 0xE000:
            return chr(code).encode()
    raise ValueError(f"holds {found.group()[:12]!r}, which is no escape: a backslash is written \\\\")
