"""The alerts that are active now, from two topics that arrive in no common order.

`pantau.alerts.state` says what is; `pantau.alerts.events` usually says it a moment earlier. Both name the episode and
the number of the transition, so whichever comes second changes nothing. A tombstone of the state names neither: it
ends what the state has shown, never what only an event has announced (that tombstone is then about the episode before).
"""

import math
from collections import OrderedDict
from collections.abc import Iterable

from services.api.core.bodies import AlertBody, AlertStatus
from shared.messages.alerts import AlertEvent, CurrentAlert, Evidence, Severity, episode_id

# (episode, transition): rises with each transition of an alert.
Position = tuple[int, int]
# Either topic says it; both have what the API shows.
Told = CurrentAlert | AlertEvent
MOST_ENDED = 10_000
MOST_RECENT = 1_000


class ActiveAlerts:
    """The active ones, by alert id: those that are anybody's business, or those of `shadow` rules."""

    def __init__(self, shadow: bool = False) -> None:
        self._shadow = shadow
        self._active: dict[str, tuple[Position, AlertBody, bool]] = {}
        self._told: dict[str, Told] = {}  # of the active ones
        self._ended: OrderedDict[str, Position] = OrderedDict()
        self._recent: OrderedDict[str, AlertBody] = OrderedDict()

    def put_state(self, alert: str, state: CurrentAlert | None) -> None:
        """Take a message of the state topic; None is a tombstone."""
        held = self._active.get(alert)
        if state is None:
            # It may be told again after a crash, about an episode before: it ends what is shown and bars nothing.
            if held is not None and held[2]:
                self._active.pop(alert, None)
                self._told.pop(alert, None)
            return
        position = (state.episode, state.last_transition)
        if self._is_past(alert, position) or (held is not None and held[0] > position):
            return
        if state.shadow != self._shadow:  # its rule was marked so, or promoted: not over, and it may come back as it is
            self._active.pop(alert, None)
            self._told.pop(alert, None)
        else:
            self._active[alert] = (position, active_body(state), True)
            self._told[alert] = state

    def put_event(self, event: AlertEvent) -> AlertBody | None:
        """Take an event; the alert as it is by it, if it is news and anybody's business."""
        position = (event.episode, event.transition)
        held = self._active.get(event.alert_id)
        if event.shadow != self._shadow or self._is_past(event.alert_id, position):
            return None
        if held is not None and held[0] > position:
            return None
        body = event_body(event)
        if event.state in ("pending", "firing"):
            if held is None or held[0] < position:
                self._active[event.alert_id] = (position, body, False)
                self._told[event.alert_id] = event.model_copy(update={"evidence": Evidence()})
        else:
            self._end(event.alert_id, position)
        if event.state == "inactive":
            return None
        if event.state == "resolved":
            self._recent[body.id] = body
            while len(self._recent) > MOST_RECENT:
                self._recent.popitem(last=False)
        return body

    def active(self, severity: Severity | None = None) -> list[AlertBody]:
        """The active alerts, newest first."""
        return newest_first(
            body for _, body, _ in self._active.values() if severity is None or body.severity == severity
        )

    def find(self, alert: str, episode: str | None) -> AlertBody | None:
        """The active alert with this id, if this is its episode; None: whatever its episode."""
        held = self._active.get(alert)
        return held[1] if held is not None and episode in (None, held[1].id) else None

    def told(self) -> list[Told]:
        """What was last told of each active alert, without its evidence, in the order in which they became known."""
        return list(self._told.values())

    def told_of(self, alert: str) -> Told | None:
        """What was last told of an active alert."""
        return self._told.get(alert)

    def resolved(self, severity: Severity | None = None) -> list[AlertBody]:
        """Those that were seen to resolve: the database may not have the last of them yet. Newest first."""
        return newest_first(body for body in self._recent.values() if severity is None or body.severity == severity)

    def _is_past(self, alert: str, position: Position) -> bool:
        ended = self._ended.get(alert)
        return ended is not None and position <= ended

    def _end(self, alert: str, position: Position) -> None:
        self._active.pop(alert, None)
        self._told.pop(alert, None)
        self._ended[alert] = position
        self._ended.move_to_end(alert)
        while len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)


def newest_first(alerts: Iterable[AlertBody]) -> list[AlertBody]:
    """Sorted by when they fired, then by id."""
    return sorted(alerts, key=lambda alert: (-alert.created_at, alert.id))


def finite(value: float) -> float | None:
    """The value where JSON has a number for it."""
    return value if math.isfinite(value) else None


def active_body(alert: CurrentAlert) -> AlertBody:
    """An active alert as the API shows it."""
    return AlertBody(
        id=episode_id(alert.alert_id, alert.episode),
        alert_id=alert.alert_id,
        name=alert.rule,
        group=alert.group,
        severity=alert.severity,
        message=alert.message,
        status=alert.state,
        created_at=alert.episode if alert.fired_at is None else alert.fired_at,
        resolved_at=None,
        value=finite(alert.value),
        labels=alert.labels,
        annotations=alert.annotations,
        expr=alert.expr,
        shadow=alert.shadow,
    )


def event_body(event: AlertEvent) -> AlertBody:
    """An alert as of one of its events, as the API shows it."""
    status: AlertStatus = "resolved" if event.state == "inactive" else event.state
    return AlertBody(
        id=episode_id(event.alert_id, event.episode),
        alert_id=event.alert_id,
        name=event.rule,
        group=event.group,
        severity=event.severity,
        message=event.message,
        status=status,
        created_at=event.episode if event.fired_at is None else event.fired_at,
        resolved_at=event.instant if status == "resolved" else None,
        value=finite(event.value),
        labels=event.labels,
        annotations=event.annotations,
        expr=event.expr,
        shadow=event.shadow,
    )
