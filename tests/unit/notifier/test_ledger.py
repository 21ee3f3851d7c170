from itertools import permutations

import pytest

from services.notifier.core.ledger import DeliveryState, Ledger


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("planned",), "planned"),
        (("planned", "sent"), "sent"),
        (("planned", "failed"), "failed"),
        (("planned", "unknown", "sent"), "sent"),
        (("planned", "unknown", "planned"), "unknown"),
        (("planned", "failed", "planned", "sent"), "sent"),  # two notifiers at once: it did arrive
    ],
)
def test_the_order_of_what_is_read_does_not_matter(states: tuple[DeliveryState, ...], expected: DeliveryState) -> None:
    for order in permutations(states):
        ledger = Ledger(most=10)
        for accepted_ms, state in enumerate(order):
            ledger.note("a", state, accepted_ms)
        entry = ledger.get("a")
        assert entry is not None
        assert entry.state == expected
        assert ledger.is_final("a") == (expected in ("sent", "failed"))
        assert ledger.is_sent("a") == (expected == "sent")


def test_it_knows_what_it_has_forgotten() -> None:
    ledger = Ledger(most=8)
    ledger.complete_since(100)
    for number in range(20):
        ledger.note(f"n{number}", "sent", 100 + number)
        assert len(ledger) <= 8
    since = ledger.known_since_ms
    assert since is not None
    for number in range(20):
        if 100 + number >= since:
            assert ledger.is_sent(f"n{number}")
        else:
            assert ledger.get(f"n{number}") is None
    assert ledger.is_sent("n19")


def test_reading_further_back_extends_what_it_knows() -> None:
    ledger = Ledger(most=8)
    ledger.complete_since(100)
    ledger.complete_since(50)
    ledger.complete_since(70)
    assert ledger.known_since_ms == 50
