"""What became of one attempt to tell a receiver."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not this time; trying again may help."""

    reason: str
    """A short code out of few: it becomes a metric label."""
    detail: str = ""
    """For people; never a secret or a URL."""
    after_seconds: float | None = None
    """How long the receiver asked us to wait."""


@dataclass(frozen=True, slots=True)
class Permanent:
    """Trying the same again can't help."""

    reason: str
    detail: str = ""


Outcome = Delivered | Retry | Permanent
