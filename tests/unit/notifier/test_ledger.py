from itertools import permutations

import pytest

from services.notifier.core.ledger import DeliveryState, Ledger
from shared.messages.notifications import Notification


def entry(identity: str, state: DeliveryState, **changes: object) -> Notification:
    found = Notification(id=identity, event_id="e", alert_id="a", receiver="r", channel="log", state=state, at=0)
    return found.model_copy(update=changes)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("planned",), None),
        (("planned", "sent"), "sent"),
        (("planned", "failed"), "failed"),
        (("planned", "unknown", "sent"), "sent"),
        (("planned", "unknown", "planned"), None),
        (("planned", "failed", "planned", "sent"), "sent"),  # two notifiers at once: it did arrive
    ],
)
def test_the_order_of_what_is_read_does_not_matter(
    states: tuple[DeliveryState, ...], expected: DeliveryState | None
) -> None:
    for order in permutations(states):
        ledger = Ledger(10)
        for state in order:
            ledger.note(entry("a", state))
        assert ledger.is_final("a") == (expected is not None)
        assert ledger.is_sent("a") == (expected == "sent")
        assert list(ledger.unfinished) == ([] if expected is not None else ["a"])


def test_it_says_what_is_news() -> None:
    ledger = Ledger(10)
    assert not ledger.note(entry("a", "planned"))
    assert ledger.note(entry("a", "sent"))
    assert not ledger.note(entry("a", "sent"))
    assert not ledger.note(entry("a", "failed"))


def test_what_is_held_back_is_no_notification() -> None:
    ledger = Ledger(10)
    ledger.note(entry("m", "planned", muted_by=["silence:s"]))
    assert ledger.is_muted("m")
    assert not ledger.unfinished


def test_its_memory_is_bounded() -> None:
    ledger = Ledger(8)
    for number in range(20):
        ledger.note(entry(f"n{number}", "sent"))
    assert len(ledger) == 8
    assert ledger.is_sent("n19")
