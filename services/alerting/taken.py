"""A message as the stream hands it over."""

from collections.abc import Callable
from dataclasses import dataclass

from services.alerting.places import Record


@dataclass(frozen=True)
class Taken:
    """A message taken from the stream; `done` acknowledges it."""

    record: Record
    done: Callable[[], None]
