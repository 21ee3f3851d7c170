"""What a gateway tells of itself, whatever kind it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Session(NamedTuple):
    """A WhatsApp account at the gateway."""

    name: str
    state: str
    connected: bool
    """Whether it can send, by the gateway's own word."""


@dataclass(frozen=True)
class Told:
    """One answer, or several of one gateway taken together. What is None was not told."""

    sessions: tuple[Session, ...] = ()
    states: tuple[str, ...] = ()
    """What a session can be: the state set."""
    kind: str = ""
    version: str = ""
    engine: str = ""
    quality: str | None = None
    queue_size: float | None = None
    oldest_seconds: float | None = None
    messages: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Counters by (type, status)."""
    problems: tuple[str, ...] = ()
    """Parts of the answer that can't be, each in words."""
