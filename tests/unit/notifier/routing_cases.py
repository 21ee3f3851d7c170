"""The routing cases as the notifier sees them: alert events, silences, and the configuration's answers."""

from collections.abc import Callable, Mapping

from services.notifier.core.destinations import Destination
from services.notifier.core.engine import Engine
from services.notifier.core.episodes import Episode
from services.notifier.core.muting import Muting
from shared.messages.alerts import AlertEvent, State, alert_id, event_id, fingerprint
from shared.messages.silences import Silence
from shared.routing.configuration import Routing
from shared.routing.digests import SuppressedDigest
from shared.routing.receivers import Fallback
from shared.routing.tree import Route
from tests.cases.routing import Case, CaseSilence
from tests.unit.notifier.events import alert_event

TRANSITIONS: Mapping[State, int] = {"firing": 1, "resolved": 2}


def event_of(case: Case, labels: Mapping[str, str], state: State, at_ms: int, began_ms: int) -> AlertEvent:
    """That the alert of these labels, which began then, fires or is over."""
    alert, transition = alert_id(case.name, case.name, labels), TRANSITIONS[state]
    return alert_event(
        case.name,
        transition,
        state,
        at_ms,
        began_ms,
        id=event_id(alert, began_ms, transition),
        alert_id=alert,
        fingerprint=fingerprint(labels),
        labels=dict(labels),
    )


def silence_of(silence: CaseSilence, identity: str, start_ms: int, *more: Mapping[str, str]) -> Silence:
    """The silence, with further matchers."""
    return Silence.model_validate(
        {
            "id": identity,
            "kind": "silence",
            "matchers": [*silence.matchers, *more],
            "starts_at": start_ms + silence.starts_ms,
            "ends_at": start_ms + silence.ends_ms,
            "created_by": "test",
            "created_at": start_ms,
            "comment": "",
        }
    )


class CaseTerms:
    """What the engine asks of the configuration; each entry of a receiver is a destination. An Alertmanager knows no
    digests and no dependencies."""

    suppressed_digest = SuppressedDigest("off")
    dependencies_version = None

    def __init__(self, routing: Routing, silences: Mapping[str, Silence], engine: Callable[[], Engine]) -> None:
        self._routing, self._engine = routing, engine
        self.muting = Muting(routing.inhibit_rules)
        self.muting.silences.update(silences)

    @property
    def root(self) -> Route:
        return self._routing.root

    def destinations(self, receiver: str, now_ms: int) -> list[Destination]:
        return [
            Destination(receiver, one.kind, one.index, send_resolved=one.send_resolved)
            for one in self._routing.receivers[receiver].integrations
        ]

    def destination(self, receiver: str, name: str) -> Destination | None:
        return next((one for one in self.destinations(receiver, 0) if one.name == name), None)

    def repeats_unknown(self, destination: Destination) -> bool:
        return True

    def fallback(self, receiver: str) -> Fallback | None:
        return self._routing.receivers[receiver].fallback

    def behind(self, episode: Episode, now_ms: int) -> str | None:
        return None

    def muted_by(self, episode: Episode, now_ms: int) -> list[str]:
        engine = self._engine()
        self.muting.see(engine.changed_firing())
        return self.muting.muted_by(episode, now_ms)

    def off(self, route: Route, now_ms: int) -> str | None:
        return self._routing.muted_by_time(route, now_ms)

    def off_until_ms(self, route: Route, now_ms: int) -> int | None:
        return self._routing.next_time_change_ms(route, now_ms)

    def quiet_until_ms(self, destination: Destination, severity: str, now_ms: int) -> int | None:
        return None
