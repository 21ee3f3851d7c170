"""What many webhooks come to."""

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.core.whatsapp.book import FUTURE_MS, Book
from services.api.core.whatsapp.cohorts import WIDTHS_MS, Cohorts
from services.api.core.whatsapp.events import Event, Receipt, SessionChange, Status
from shared.messages.series import NAME, labels_of

NOW = 1_790_000_000_000
DAY = 86_400_000


def book(most: int = 1_000) -> Book:
    return Book("g", "api-1", DAY, most)


def told(kept: Book, metric: str, *labels: str, now_ms: int = NOW) -> dict[tuple[str, ...], float]:
    found = {}
    for sample in kept.samples(now_ms):
        known = labels_of(sample.series)
        if known[NAME] == f"whatsapp_{metric}":
            assert (known["gateway"], known["instance"]) == ("g", "api-1")
            found[tuple(known[label] for label in labels)] = sample.value
    return found


def outcomes(kept: Book) -> dict[str, float]:
    return {name: count for (name,), count in told(kept, "webhooks_total", "outcome").items() if count}


def test_a_message_counts_once_at_each_step_and_implies_those_before() -> None:
    kept = book()
    kept.put([Receipt("a", "pending", NOW - 9_000, "text")], NOW)
    kept.put([Receipt("a", "sent", NOW - 8_500), Receipt("a", "read", NOW - 1_000)], NOW)
    kept.put([Receipt("a", "delivered", NOW - 2_000), Receipt("a", "sent", NOW - 8_500)], NOW)
    counts = told(kept, "messages_total", "type", "status")
    assert counts == {("text", "sent"): 1, ("text", "delivered"): 1, ("text", "read"): 1}
    assert told(kept, "acknowledgement_latency_seconds_sum", "status") == {("sent",): 0.5, ("read",): 8}
    assert outcomes(kept) == {"counted": 3, "repeated": 2}


def test_a_message_that_fails() -> None:
    kept = book()
    kept.put([Receipt("a", "failed", NOW - 5, "utility"), Receipt("a", "failed", NOW - 5, "utility")], NOW)
    kept.put([Receipt("b", "delivered", NOW - 5), Receipt("b", "failed", NOW - 5)], NOW)
    counts = told(kept, "messages_total", "type", "status")
    assert counts[("utility", "failed")] == 1
    assert ("unknown", "failed") not in counts, "it was delivered: to another of the person's devices it was not"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(), copies=st.integers(1, 3))
def test_order_and_repetition_change_no_count(seed: int, copies: int) -> None:
    chance = random.Random(seed)
    fates: list[tuple[Status, ...]] = [
        *(("sent",), ("sent", "delivered"), ("sent", "delivered", "read")),
        *(("failed",), ("sent", "read")),
    ]
    receipts: list[Event] = []
    truth: Counter[str] = Counter()
    for number in range(12):
        fate = chance.choice(fates)
        receipts += [Receipt(str(number), status, NOW - 60_000 + 1_000 * step) for step, status in enumerate(fate)]
        truth.update({*fate, *(("delivered",) if "read" in fate else ())})
    receipts *= copies
    chance.shuffle(receipts)
    kept = book()
    for receipt in receipts:
        kept.put([receipt], NOW)
    assert {status: n for (status,), n in told(kept, "messages_total", "status").items()} == truth


def test_what_happened_long_ago_or_is_to_come_does_not_count() -> None:
    kept = book()
    kept.put([Receipt("a", "sent", NOW - DAY), Receipt("b", "sent", NOW + FUTURE_MS + 1)], NOW)
    kept.put([SessionChange("s", "FAILED", NOW - DAY)], NOW)
    assert outcomes(kept) == {"too_old": 2, "invalid": 1}
    assert told(kept, "messages_total", "status") == {}


def test_what_is_forgotten_cannot_be_counted_again() -> None:
    kept = book()
    kept.put([Receipt("a", "sent", NOW)], NOW)
    kept.put([Receipt("b", "sent", NOW + 2 * DAY)], NOW + 2 * DAY)
    assert len(kept._messages) == 1
    kept.put([Receipt("a", "sent", NOW)], NOW + 2 * DAY)
    assert told(kept, "messages_total", "status") == {("sent",): 2}

    small = book(most=2)
    for number in range(4):
        small.put([Receipt(str(number), "sent", NOW + number)], NOW + number)
    assert len(small._messages) == 2
    small.put([Receipt("0", "sent", NOW)], NOW + 5)
    assert told(small, "messages_total", "status") == {("sent",): 4}
    assert outcomes(small)["too_old"] == 1


def test_changes_of_sessions() -> None:
    kept = book()
    for status, at in (("WORKING", 1), ("SCAN_QR_CODE", 2), ("SCAN_QR_CODE", 3), ("WORKING", 4), ("SCAN_QR_CODE", 2)):
        kept.put([SessionChange("s", status, NOW + at)], NOW)
    kept.put([], NOW)
    changes = told(kept, "session_changes_total", "session", "status")
    assert changes == {("s", "WORKING"): 2, ("s", "SCAN_QR_CODE"): 1}
    assert outcomes(kept) == {"counted": 3, "repeated": 2, "ignored": 1}


def test_names_are_bounded() -> None:
    kept = book()
    for number in range(300):
        kept.put([SessionChange(f"s{number}", "FAILED", NOW + number)], NOW)
        kept.put([Receipt(str(number), "sent", NOW, f"kind_{number}")], NOW)
    assert len(told(kept, "session_changes_total", "session", "status")) == 201
    assert len(told(kept, "messages_total", "type", "status")) == 31


def test_a_cohort_has_had_the_same_time() -> None:
    kept = book()
    minute = 60_000
    for number in range(20):  # half of those sent 7 min ago arrived in time, all of those sent 1 min ago are under way
        sent = NOW - 7 * minute
        kept.put([Receipt(f"old-{number}", "sent", sent)], NOW)
        kept.put([Receipt(f"new-{number}", "sent", NOW - minute)], NOW)
        if number % 2:
            kept.put([Receipt(f"old-{number}", "delivered", sent + (4 if number < 11 else 6) * minute)], NOW)
    assert told(kept, "cohort_messages", "cohort") == {("5m",): 20, ("1h",): 0, ("6h",): 0}
    assert told(kept, "delivery_rate", "cohort") == {("5m",): 25}
    later = told(kept, "delivery_rate", "cohort", now_ms=NOW + 66 * minute)
    assert later == {("1h",): 25.0}, "of all 40: those that came late for 5 min came in time for 1 h"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50_000_000), st.one_of(st.none(), st.integers(0, 30_000_000))), max_size=60))
def test_cohorts_are_what_counting_each_message_gives(messages: list[tuple[int, int | None]]) -> None:
    cohorts = Cohorts()
    for ago, after in messages:
        cohorts.sent(NOW - ago)
        if after is not None:
            cohorts.delivered(NOW - ago, after)
    for rate in cohorts.rates(NOW):
        width = WIDTHS_MS[rate.cohort]
        slot = width // 10
        first, end = -(-(NOW - 2 * width) // slot) * slot, (NOW - width) // slot * slot
        due = [after for ago, after in messages if first <= NOW - ago < end]
        came = [after for after in due if after is not None and after <= width]
        assert rate.messages == len(due)
        assert rate.percent == (100 * len(came) / len(due) if due else None)
