import pytest

from services.notifier.core.ledger import Ledger
from services.notifier.core.owing import MOST_TRANSITIONS, Delivery, Owing, not_sent_because, unanswered
from shared.messages.alerts import AlertEvent, State
from shared.messages.notifications import notification_id
from tests.unit.notifier.events import STATES, alert_event

FIRING = alert_event("cpu", 2, "firing", instant=1_000, episode=1_000)
RESOLVED = alert_event("cpu", 3, "resolved", instant=2_000, episode=1_000)


def fresh(*receivers: str) -> tuple[Owing, Ledger]:
    owing, ledger = Owing(receivers or ("ops",)), Ledger(most=100)
    owing.begin(0, 0)
    ledger.complete_since(0)
    return owing, ledger


def sent(ledger: Ledger, event: AlertEvent, receiver: str) -> None:
    ledger.note(notification_id(event.id, receiver), "sent", 1)


def heads(owing: Owing, *deliveries: Delivery) -> list[Delivery | None]:
    return [owing.head(one.lane) for one in deliveries]


@pytest.mark.parametrize(
    ("state", "shadow", "expected"),
    [
        ("firing", False, None),
        ("resolved", False, None),
        ("pending", False, "pending"),
        ("inactive", False, "inactive"),
        ("firing", True, "shadow"),
        ("resolved", True, "shadow"),
    ],
)
def test_who_is_told_of_what(state: State, shadow: bool, expected: str | None) -> None:
    assert not_sent_because(alert_event("cpu", 1, state, 1, 1, shadow=shadow)) == expected


@pytest.mark.parametrize("state", STATES)
def test_what_nobody_is_told_of_is_done_with_at_once(state: State) -> None:
    owing, ledger = fresh()
    assert owing.take(0, 0, alert_event("cpu", 1, state, 1, 1, shadow=True), ledger) == []
    assert owing.committable() == {0: 1}


def test_every_receiver_gets_its_own_delivery() -> None:
    owing, ledger = fresh("ops", "log")
    first, second = owing.take(0, 0, FIRING, ledger)
    assert {first.receiver, second.receiver} == {"ops", "log"}
    assert first.id == notification_id(FIRING.id, first.receiver) != second.id
    assert owing.waiting == {"ops": 1, "log": 1}
    owing.settle(first, sent=True)
    assert owing.committable() == {0: 0}
    owing.settle(second, sent=True)
    assert owing.committable() == {0: 1}


def test_the_end_waits_for_the_beginning_and_other_alerts_do_not() -> None:
    owing, ledger = fresh()
    other = alert_event("memory", 2, "firing", 1_500, 1_500)
    (firing,) = owing.take(0, 0, FIRING, ledger)
    (resolved,) = owing.take(0, 1, RESOLVED, ledger)
    (elsewhere,) = owing.take(0, 2, other, ledger)
    assert heads(owing, resolved, elsewhere) == [firing, elsewhere]
    owing.settle(firing, sent=True)
    assert heads(owing, resolved) == [resolved]
    assert owing.is_due(resolved)


@pytest.mark.parametrize("was_sent", [True, False])
def test_the_end_is_told_to_those_who_were_told_of_the_beginning(was_sent: bool) -> None:
    owing, ledger = fresh()
    (firing,) = owing.take(0, 0, FIRING, ledger)
    (resolved,) = owing.take(0, 1, RESOLVED, ledger)
    owing.settle(firing, sent=was_sent)
    assert owing.is_due(resolved) is was_sent


def test_a_beginning_from_before_a_restart_counts() -> None:
    owing, ledger = fresh("ops", "new")
    sent(ledger, FIRING, "ops")
    told, untold = owing.take(0, 1, RESOLVED, ledger)
    assert [told.receiver, owing.is_due(told)] == ["ops", True]
    assert [untold.receiver, owing.is_due(untold)] == ["new", False]


def test_a_beginning_of_another_episode_does_not_count() -> None:
    owing, ledger = fresh()
    sent(ledger, alert_event("cpu", 2, "firing", 500, 500), "ops")
    (resolved,) = owing.take(0, 1, RESOLVED, ledger)
    assert not owing.is_due(resolved)


def test_the_announcement_may_be_forgotten_while_the_end_waits() -> None:
    owing, ledger = Owing(["ops"]), Ledger(most=2)
    owing.begin(0, 0)
    sent(ledger, FIRING, "ops")
    (resolved,) = owing.take(0, 1, RESOLVED, ledger)
    for number in range(10):
        ledger.note(f"other{number}", "sent", 2)
    assert ledger.get(notification_id(FIRING.id, "ops")) is None
    assert owing.is_due(resolved)


def test_an_event_that_comes_twice_is_owed_once() -> None:
    owing, ledger = fresh()
    (delivery,) = owing.take(0, 0, FIRING, ledger)
    assert owing.take(0, 0, FIRING, ledger) == []  # redelivered
    assert owing.take(0, 1, FIRING, ledger) == []  # twice on the bus, the first one still under way
    sent(ledger, FIRING, "ops")
    owing.settle(delivery, sent=True)
    assert owing.take(0, 2, FIRING, ledger) == []  # and once more when it is done
    assert owing.committable() == {0: 3}


def test_what_may_have_arrived_is_owed_and_marked() -> None:
    owing, ledger = fresh()
    ledger.note(notification_id(FIRING.id, "ops"), "planned", 1)
    (delivery,) = owing.take(0, 0, FIRING, ledger)
    assert delivery.begun_before


def test_the_ledger_is_asked_about_what_it_does_not_remember() -> None:
    ledger = Ledger(most=100)
    assert set(unanswered([FIRING], ["ops"], ledger, 100).values()) == {900}  # nothing has been read yet
    ledger.complete_since(900)
    assert unanswered([FIRING], ["ops"], ledger, 100) == {}
    assert unanswered([RESOLVED], ["ops"], ledger, 100) == {}
    ledger = Ledger(most=100)
    ledger.complete_since(1_500)
    late = RESOLVED.model_copy(update={"instant": 5_000})
    asked = unanswered([late], ["ops"], ledger, 100)
    assert notification_id(FIRING.id, "ops") in asked
    assert notification_id(late.id, "ops") in asked
    assert set(asked.values()) == {900}


def test_an_event_with_an_absurd_number_is_no_burden() -> None:
    absurd = alert_event("cpu", 2_000_000_000, "resolved", 1_000, 1_000)
    assert len(unanswered([absurd], ["ops"], Ledger(most=10), 0)) == 1 + MOST_TRANSITIONS


def test_forgetting_leaves_nothing() -> None:
    owing, ledger = fresh()
    owing.take(0, 0, FIRING, ledger)
    owing.forget()
    assert (owing.events_in_flight, owing.committable(), owing.waiting["ops"]) == (0, {}, 0)
    owing.begin(0, 0)
    assert len(owing.take(0, 0, FIRING, ledger)) == 1
