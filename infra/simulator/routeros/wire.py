"""The RouterOS API's wire format: sentences of words, each preceded by its length, ended by an empty word."""

import asyncio
from collections.abc import Iterable

# A client that sends more than this is no client of ours.
LONGEST_WORD = 1 << 20
MOST_WORDS = 1_000


class BadWire(Exception):
    """What came is no sentence."""


def encode_length(length: int) -> bytes:
    """The one to five bytes that announce a word of `length` bytes."""
    for size, prefix, limit in ((1, 0x00, 0x80), (2, 0x80, 0x4000), (3, 0xC0, 0x20_0000), (4, 0xE0, 0x1000_0000)):
        if length < limit:
            encoded = length.to_bytes(size, "big")
            return bytes([encoded[0] | prefix]) + encoded[1:]
    return b"\xf0" + length.to_bytes(4, "big")


def encode(sentence: Iterable[str]) -> bytes:
    """The bytes of a sentence, its empty word included."""
    encoded = bytearray()
    for word in map(str.encode, sentence):
        # Nearly all are short, and a router says thousands of them.
        encoded += _SHORT[len(word)] if len(word) < 0x80 else encode_length(len(word))
        encoded += word
    return bytes(encoded) + b"\x00"


_SHORT = [bytes([length]) for length in range(0x80)]


async def read_sentence(reader: asyncio.StreamReader) -> list[str]:
    """The next sentence. BadWire if it is none; asyncio.IncompleteReadError when the other side has gone."""
    words: list[str] = []
    while word := await _read_word(reader):
        if len(words) == MOST_WORDS:
            raise BadWire(f"a sentence of more than {MOST_WORDS} words")
        words.append(word.decode("utf-8", "replace"))
    return words


async def _read_word(reader: asyncio.StreamReader) -> bytes:
    first = (await reader.readexactly(1))[0]
    if first < 0x80:
        length = first
    elif first < 0xF8:
        more = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        kept = first & (0x7F >> more) if more < 4 else 0
        length = int.from_bytes(bytes([kept]) + await reader.readexactly(more), "big")
    else:
        raise BadWire(f"reserved control byte {first:#04x}")
    if length > LONGEST_WORD:
        raise BadWire(f"a word of {length} bytes: at most {LONGEST_WORD}")
    return await reader.readexactly(length)
