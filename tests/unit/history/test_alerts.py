"""Alert events into the one row per episode that `alert_logs` holds."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from services.history.core.alerts import episode_row, episodes, event_row
from services.history.core.instants import at
from services.history.core.tables import ALERT_EVENTS, ALERT_LOGS
from shared.messages.alerts import AlertEvent, State, alert_id, episode_id, event_id, fingerprint

EPISODE = 1_795_428_900_000
LABELS = {"alertname": "hot", "host": "web-1"}
ALERT = alert_id("g", "hot", LABELS)


def event(
    state: State, transition: int, seconds: int, value: float, episode: int = EPISODE, **other: Any
) -> AlertEvent:
    return AlertEvent(
        id=event_id(ALERT, episode, transition),
        alert_id=ALERT,
        fingerprint=fingerprint(LABELS),
        group="g",
        rule="hot",
        rule_version="v1",
        episode=episode,
        transition=transition,
        state=state,
        previous_state="pending",
        instant=episode + seconds * 1000,
        labels=LABELS,
        severity="critical",
        message=f"it is {value}",
        value=value,
        expr="temperature > 80",
        **other,
    )


PENDING = event("pending", 1, 0, 81.0)
FIRING = event("firing", 2, 60, 90.0, threshold=80.0, fired_at=EPISODE + 60_000)
RESOLVED = event("resolved", 3, 120, 70.0, fired_at=EPISODE + 60_000)


def rows(*events: AlertEvent) -> list[dict[str, Any]]:
    return [
        dict(zip(ALERT_LOGS.columns, episode_row(identity, episode), strict=True))
        for identity, episode in episodes(events).items()
    ]


def test_pending_alone_has_no_row() -> None:
    assert rows(PENDING, event("inactive", 2, 30, 0.0)) == []


def test_firing_opens_a_row() -> None:
    (row,) = rows(PENDING, FIRING)
    assert row["episode_id"] == episode_id(ALERT, EPISODE)
    assert (row["alert_type"], row["severity"], row["message"]) == ("hot", "critical", "it is 90.0")
    assert row["created_at"] == at(EPISODE + 60_000)
    assert (row["resolved_at"], row["resolved_event_id"]) == (None, None)
    assert (row["value"], row["fired_event_id"]) == (90.0, FIRING.id)
    assert msgspec.json.decode(row["details"])["threshold"] == 80.0
    assert msgspec.json.decode(row["labels"]) == LABELS


@pytest.mark.parametrize("order", list(permutations([PENDING, FIRING, RESOLVED])))
def test_the_order_and_repetition_of_events_do_not_matter(order: tuple[AlertEvent, ...]) -> None:
    (row,) = rows(*order, *order)
    assert row["created_at"] == at(EPISODE + 60_000)
    assert row["resolved_at"] == at(EPISODE + 120_000)
    assert (row["message"], row["value"]) == ("it is 90.0", 90.0), "as the firing event told"
    assert (row["fired_event_id"], row["resolved_event_id"]) == (FIRING.id, RESOLVED.id)


def test_resolved_alone_tells_when_it_fired() -> None:
    (row,) = rows(RESOLVED)
    assert (row["created_at"], row["resolved_at"]) == (at(EPISODE + 60_000), at(EPISODE + 120_000))
    assert (row["value"], row["fired_event_id"]) == (None, None)


def test_episodes_are_apart() -> None:
    again = event("firing", 1, 0, 95.0, episode=EPISODE + 600_000)
    assert len(rows(FIRING, RESOLVED, again)) == 2


def test_every_transition_is_a_row_with_the_whole_event() -> None:
    row = dict(zip(ALERT_EVENTS.columns, event_row(FIRING, EPISODE + 61_000), strict=True))
    assert AlertEvent.decode(row["event"].encode()) == FIRING
    assert (row["event_id"], row["transition"], row["instant"]) == (FIRING.id, 2, at(EPISODE + 60_000))
    assert row["accepted_at"] == at(EPISODE + 61_000)
