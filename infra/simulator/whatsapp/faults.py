"""What can be wrong with a gateway, on command."""

from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """How its HTTP API misbehaves instead of answering."""

    NONE = "none"
    HANG = "hang"
    """It takes the request and never answers."""
    GARBAGE = "garbage"
    """200, and something that is not JSON."""
    NONSENSE = "nonsense"
    """200, and JSON that says nothing."""
    UNAUTHORIZED = "unauthorized"
    """401, whatever the key."""
    ERROR = "error"
    """500."""
    REDIRECT = "redirect"
    """302 to another address."""
    HUGE = "huge"
    """200, and bytes without an end."""
    DROP = "drop"
    """It closes the connection in the middle of the answer."""


@dataclass
class Trouble:
    """The faults of the HTTP API; change it at any time."""

    fault: Fault = Fault.NONE
    path: str = ""
    """Only where the path begins so; empty: everywhere."""
    latency_seconds: float = 0.0
    """How long each answer needs."""

    def at(self, path: str) -> Fault:
        """What goes wrong when `path` is asked for."""
        return self.fault if path.startswith(self.path) else Fault.NONE
