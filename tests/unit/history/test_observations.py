"""Rows of deliveries, and of what held an alert back."""

from datetime import UTC, datetime

import pytest

from services.history.core.instants import at
from services.history.core.observations import notification_rows
from services.history.core.tables import NOTIFICATION_LOG
from shared.messages.notifications import Notification, NotifiedAlert

T = 1_795_428_000_000


def entry(identity: str, until: int | None = None, event: str = "fires") -> Notification:
    alert = NotifiedAlert(
        alert_id="a", event_id=event, episode=T, transition=2, status="firing", muted_since=T, muted_until=until
    )
    return Notification(
        id=identity,
        event_id="fires",
        alert_id="a",
        receiver="",
        channel="",
        alerts=[alert],
        state="planned",
        at=until or T,
        muted_by=["silence:s"],
        untold=["ops/webhook/0"] if until else [],
    )


def columns(*notifications: Notification) -> list[tuple[str, str, datetime | None, datetime | None, str]]:
    rows = [dict(zip(NOTIFICATION_LOG.columns, row, strict=True)) for row in notification_rows(notifications)]
    wanted = ("notification_id", "event_id", "muted_since", "muted_until", "untold")
    return [tuple(row[name] for name in wanted) for row in rows]


def test_of_what_held_an_alert_back_the_end_counts_in_any_order() -> None:
    begins, ends, other = entry("m"), entry("m", T + 60_000, "resolves"), entry("n")
    whole = ("m", "fires", at(T), at(T + 60_000), '["ops/webhook/0"]')
    assert columns(begins, ends, other) == [whole, ("n", "fires", at(T), None, "[]")]
    assert columns(ends, begins) == [whole]


@pytest.mark.parametrize("state", ["planned", "sent"])
def test_a_delivery_has_a_row_for_each_alert_and_no_times_of_muting(state: str) -> None:
    alerts = [
        NotifiedAlert(alert_id=name, event_id=name, episode=T, transition=2, status="firing") for name in ("a", "b")
    ]
    told = entry("d").model_copy(update={"alerts": alerts, "muted_by": [], "state": state})
    assert columns(told, told) == [("d", name, None, None, "[]") for name in ("a", "b")]
    assert datetime.fromtimestamp(T / 1000, UTC) == at(T)
