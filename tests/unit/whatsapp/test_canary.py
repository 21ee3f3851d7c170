"""When a canary is due, and what is told of it."""

from services.collector.core.whatsapp.canary import Canary, judged
from shared.messages.series import labels_of


def told(canary: Canary, now_ms: int = 2_000_000_000_000) -> dict[str, float]:
    found = {}
    for sample in canary.samples(now_ms):
        labels = labels_of(sample.series)
        found[labels["__name__"].removeprefix("whatsapp_") + labels.get("result", "")] = sample.value
    return found


def test_it_is_due_at_once_then_every_so_often_and_sooner_after_trouble() -> None:
    canary = Canary("g", "s", 900)
    assert canary.due(5)
    canary.ended(0, "acknowledged", 1.5)
    assert (canary.due(899_999), canary.due(900_000)) == (False, True)
    canary.ended(900_000, "late", 60)
    assert (canary.due(1_199_999), canary.due(1_200_000)) == (False, True)
    often = Canary("g", "s", 60)
    often.ended(0, "unsent", 0)
    assert (often.due(59_999), often.due(60_000)) == (False, True)


def test_what_is_told() -> None:
    canary = Canary("g", "s", 900)
    counters = {"canaries_totallate": 0, "canaries_totalfailed": 0, "canaries_totalunsent": 0}
    assert told(canary) == counters | {"canaries_totalacknowledged": 0}, (
        "nothing is known yet, not even that it is down"
    )
    canary.ended(1_000_000, "acknowledged", 2.5)
    known = {
        "canary_latency_seconds": 2.5,
        "canary_last_success_timestamp_seconds": 1002.5,
        "canaries_totalacknowledged": 1,
    }
    assert told(canary) == counters | known | {"canary_up": 1}
    canary.ended(2_000_000, "late", 60)
    assert told(canary) == counters | known | {"canary_up": 0, "canaries_totallate": 1}


def test_what_an_acknowledgement_means() -> None:
    assert [judged(ack, "server") for ack in (-1, 0, 1, 3)] == ["failed", None, "acknowledged", "acknowledged"]
    assert [judged(ack, "device") for ack in (-1, 0, 1, 2)] == ["failed", None, None, "acknowledged"]
