"""Which of our own services live."""

from services.api.core.services import FORGOTTEN_AFTER_MS, ServicesView
from shared.messages.heartbeats import Heartbeat

NOW = 1_795_000_000_000


def beat(instance: str, at: int, ready: bool = True) -> Heartbeat:
    return Heartbeat(
        service="history",
        instance=instance,
        at=at,
        started_at=NOW - 60_000,
        version="0.1.0",
        interval_ms=5_000,
        ready=ready,
        not_ready=[] if ready else ["database: can't be reached"],
        lag={"pantau.samples/0": 3, "pantau.samples/1": 4},
    )


def test_an_instance_lives_while_its_heartbeats_come() -> None:
    view = ServicesView()
    view.put(beat("a:1", NOW))
    view.put(beat("b:2", NOW - 15_001, ready=False))
    first, second = view.body(NOW).instances
    assert (first.instance, first.alive, first.ready, first.lag) == ("a:1", True, True, 7)
    assert (second.instance, second.alive, second.not_ready) == ("b:2", False, ["database: can't be reached"])


def test_an_older_heartbeat_changes_nothing() -> None:
    view = ServicesView()
    view.put(beat("a:1", NOW))
    view.put(beat("a:1", NOW - 5_000, ready=False))
    assert view.body(NOW).instances[0].ready


def test_the_long_silent_are_forgotten() -> None:
    view = ServicesView()
    view.put(beat("a:1", NOW))
    assert view.body(NOW + FORGOTTEN_AFTER_MS).instances
    assert not view.body(NOW + FORGOTTEN_AFTER_MS + 1).instances
