"""Work that is done in steps."""

from collections.abc import Generator
from typing import TypeAlias, TypeVar, cast

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Work in pieces, so that whoever does it can do other things between them."""


def complete(steps: Steps[T]) -> T:
    """What comes of the work, done at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast(T, done.value)
