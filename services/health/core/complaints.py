"""What is wrong with what was checked: several things may be, the worst of them is told."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.messages.health import STATUSES, Status


class Complaint(NamedTuple):
    """One thing that is not as it should be."""

    status: Status
    """How bad it is."""
    reason: str
    """In a word, e.g. `timeout`: for queries."""
    text: str
    """In a sentence: for people."""


def summed_up(complaints: Sequence[Complaint]) -> tuple[Status, dict[str, str]]:
    """The status, and the details that say why: those of the worst complaint, the first of equals."""
    if not complaints:
        return "healthy", {}
    worst = max(complaints, key=lambda one: STATUSES.index(one.status))
    return worst.status, {"reason": worst.reason, "error": worst.text}
