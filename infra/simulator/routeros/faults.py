"""What can be wrong with a router's API, on command."""

from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """How it misbehaves instead of answering."""

    NONE = "none"
    HANG = "hang"
    """It takes the command and never answers."""
    GARBAGE = "garbage"
    """It answers with bytes that are no sentence."""
    HUGE = "huge"
    """It announces a word of 200 MB and begins to send it."""
    FLOOD = "flood"
    """Rows without an end."""
    DROP = "drop"
    """It closes the connection in the middle of a sentence."""
    FATAL = "fatal"
    """`!fatal`, then the end of the connection."""
    TRAP = "trap"
    """`!trap`, as for a command that fails."""


@dataclass
class Trouble:
    """A router's faults; change it at any time."""

    fault: Fault = Fault.NONE
    command: str = ""
    """The one command that it shows at, e.g. `/interface/print`; empty: at each, the login too."""
    latency_seconds: float = 0.0
    """A slow link: how long each answer needs."""

    def at(self, command: str) -> Fault:
        """What goes wrong when `command` comes."""
        return self.fault if self.command in ("", command) else Fault.NONE
