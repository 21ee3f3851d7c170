"""Texts made fit: for one line, for a length, without what deceives the eye."""

import re
import unicodedata

ELLIPSIS = "…"
# Control characters, and those that turn the direction of what follows: a label can't make a text read as another.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]")
_SPACE = re.compile(r"\s+")
_JOINER = "\u200d"
_REGIONAL = range(0x1F1E6, 0x1F200)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def cleaned(text: str) -> str:
    """`text` without control characters other than tabs and line ends, and without lone surrogates."""
    ends = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _UNSEEN.sub("", ends).encode("utf-8", "replace").decode().strip()


def one_line(text: str) -> str:
    """`text`, cleaned, in one line."""
    return _SPACE.sub(" ", cleaned(text)).strip()


def length(text: str) -> int:
    """In UTF-16 code units: providers count these or characters, of which there are never more."""
    return len(text) + sum(one > "\uffff" for one in text)


def cut(text: str, limit: int) -> str:
    """`text`, or as much of it as fits into `limit` with an ellipsis; never amid what is seen as one character."""
    if length(text) <= limit:
        return text
    place, left = 0, limit - 1
    for one in text:
        left -= 2 if one > "\uffff" else 1
        if left < 0:
            break
        place += 1
    while place > 0 and _is_amid(text, place):
        place -= 1
    return text[:place].rstrip() + ELLIPSIS if limit > 0 else ""


def _is_amid(text: str, place: int) -> bool:
    """Whether the characters on both sides of `place` belong together."""
    before, after = text[place - 1], text[place]
    if _JOINER in (before, after) or ord(after) in _SKIN_TONES or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if ord(before) in _REGIONAL and ord(after) in _REGIONAL:
        start = place
        while start > 0 and ord(text[start - 1]) in _REGIONAL:
            start -= 1
        return (place - start) % 2 == 1
    return False
