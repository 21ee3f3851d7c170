"""Delivery rates by when messages were sent: each cohort has had the same time, so fresh messages spoil nothing."""

from typing import NamedTuple

# How long a message has to arrive, by the cohort's name.
WIDTHS_MS = {"5m": 300_000, "1h": 3_600_000, "6h": 21_600_000}
# A cohort is this many slots of sending times.
SLOTS = 10


class Rate(NamedTuple):
    """What became of one cohort."""

    cohort: str
    messages: int
    percent: float | None
    """Delivered in time; None without messages."""


class Cohorts:
    """Counts by slots of sending times, so that no message needs to be looked at twice."""

    def __init__(self) -> None:
        self._slots: dict[str, dict[int, list[int]]] = {name: {} for name in WIDTHS_MS}

    def sent(self, at_ms: int) -> None:
        """A message was sent then."""
        for name, width in WIDTHS_MS.items():
            self._slots[name].setdefault(at_ms * SLOTS // width, [0, 0])[0] += 1

    def delivered(self, sent_ms: int, after_ms: int) -> None:
        """The message that was sent then was delivered so long after."""
        for name, width in WIDTHS_MS.items():
            slot = self._slots[name].get(sent_ms * SLOTS // width)
            if slot is not None and after_ms <= width:
                slot[1] += 1

    def rates(self, now_ms: int) -> list[Rate]:
        """Of the messages sent from two widths to one width ago. What is older is forgotten."""
        found = []
        for name, width in WIDTHS_MS.items():
            first, end = -(-(now_ms - 2 * width) * SLOTS // width), (now_ms - width) * SLOTS // width
            slots = self._slots[name] = {slot: counts for slot, counts in self._slots[name].items() if slot >= first}
            due = [counts for slot, counts in slots.items() if slot < end]
            messages, delivered = sum(sent for sent, _ in due), sum(came for _, came in due)
            found.append(Rate(name, messages, 100 * delivered / messages if messages else None))
        return found
