import asyncio

import pytest

from infra.simulator.routeros.wire import LONGEST_WORD, BadWire, encode, encode_length, read_sentence


def read(*pieces: bytes) -> list[str]:
    """The first sentence in `pieces`."""

    async def run() -> list[str]:
        reader = asyncio.StreamReader()
        for piece in pieces:
            reader.feed_data(piece)
        reader.feed_eof()
        return await read_sentence(reader)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("length", "encoded"),
    [
        (0, "00"),
        (0x7F, "7f"),
        (0x80, "8080"),
        (0x3FFF, "bfff"),
        (0x4000, "c04000"),
        (0x1F_FFFF, "dfffff"),
        (0x20_0000, "e0200000"),
        (0xFFF_FFFF, "efffffff"),
        (0x1000_0000, "f010000000"),
    ],
)
def test_lengths_are_those_of_the_manual(length: int, encoded: str) -> None:
    assert encode_length(length).hex() == encoded


@pytest.mark.parametrize("size", [1, 0x7F, 0x80, 0x3FFF, 0x4000, 0x1_0000])
def test_what_is_written_is_read(size: int) -> None:
    sentence = ["/login", "=name=" + "x" * size, "=comment=kabel putus — Jl. Mawar"]
    assert read(encode(sentence)) == sentence


def test_a_word_of_1_mb_in_the_five_byte_form_is_read() -> None:
    assert read(b"\xf0\x00\x00\x00\x02ab\x00") == ["ab"]


@pytest.mark.parametrize(
    "bad",
    [b"\xff", b"\xf8", encode_length(LONGEST_WORD + 1) + b"x", b"\x01x" * 2_000],
    ids=["ff", "f8", "long", "many"],
)
def test_what_is_no_sentence_is_refused(bad: bytes) -> None:
    with pytest.raises(BadWire):
        read(bad)


def test_an_end_in_the_middle_is_told() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        read(encode(["/interface/print"])[:-3])
