"""Which alerts Alertmanagers are to be told of now: Prometheus' rules for sending and sending again.

From rules/alerting.go of Prometheus: a firing alert is sent at once and again after each `resend_delay`, valid for four
of these, so that an Alertmanager that misses three still knows that it fires; a resolved one is sent at once and again
for `resolved_retention`. Pending alerts and those of shadow rules are not sent.

What fires is what `pantau.alerts.state` says, so that a start begins with all of it; the end of an alert is what
`pantau.alerts.events` says, for that alone tells when. The two arrive in no common order: both name the episode and the
number of the transition, and the later one stands. Nothing ends an alert but a word that it is over: while alerting is
silent, or the bus away, what fired is sent on.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from shared.messages.alerts import AlertEvent, CurrentAlert

# (episode, transition): rises with each transition of an alert.
Position = tuple[int, int]
VALID_DELAYS = 4
MOST_ENDED = 100_000


@dataclass(frozen=True, slots=True)
class ResendRules:
    """When what has been sent is sent again, and for how long what is over."""

    delay_ms: int = 60_000
    resolved_retention_ms: int = 15 * 60_000


@dataclass(frozen=True, slots=True)
class Push:
    """An alert as it is to be known from now on. It is over at `ends_at_ms`, or taken to be, if nothing follows."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    expr: str
    starts_at_ms: int
    ends_at_ms: int
    resolved: bool


@dataclass(slots=True)
class _Held:
    told: CurrentAlert | AlertEvent
    position: Position
    starts_at_ms: int
    resolved_at_ms: int | None = None
    known_ms: int = 0
    """When the bus had it that the alert is over: by that clock it is forgotten."""
    sent_ms: int | None = None


def needs_sending(sent_ms: int | None, now_ms: int, delay_ms: int) -> bool:
    """Whether an alert last sent at `sent_ms` (None: not since it fired, or was resolved) is to be sent again."""
    return sent_ms is None or sent_ms + delay_ms < now_ms


class Resending:
    """The alerts that fire, and those that did until lately."""

    def __init__(self, rules: ResendRules) -> None:
        self._rules = rules
        self._held: dict[str, _Held] = {}
        self._unsent: dict[str, None] = {}  # in the order in which they became known
        self._sent: dict[str, None] = {}  # by when they were last sent
        self._resolved: dict[str, None] = {}  # by when that became known
        self._ended: OrderedDict[str, Position] = OrderedDict()

    @property
    def firing(self) -> int:
        """How many alerts fire."""
        return len(self._held) - len(self._resolved)

    @property
    def resolved(self) -> int:
        """How many alerts are over and still told."""
        return len(self._resolved)

    def put_state(self, alert: str, state: CurrentAlert | None) -> None:
        """Take a message of the state topic; None is a tombstone."""
        held = self._held.get(alert)
        if state is None:
            # When it ended an event says: it has come, or will.
            if held is not None and held.resolved_at_ms is None:
                self._end(alert, held)
            return
        position = (state.episode, state.last_transition)
        if self._is_past(alert, position) or (held is not None and held.position > position):
            return
        if state.shadow or state.state != "firing":
            # Not over, but nothing to tell of: the very same may come back when a rule is no shadow any more.
            if held is not None and held.resolved_at_ms is None:
                self._forget(alert)
        elif held is not None and held.position == position:
            if held.resolved_at_ms is None:
                held.told = state
        else:
            self._hold(alert, _Held(state, position, state.episode if state.fired_at is None else state.fired_at))

    def put_event(self, event: AlertEvent, accepted_ms: int) -> None:
        """Take an event that the bus had at `accepted_ms`: whether an alert is over, and since when."""
        if event.state != "resolved" or event.shadow:
            return
        position = (event.episode, event.transition)
        held = self._held.get(event.alert_id)
        if self._is_past(event.alert_id, position) or (held is not None and held.position >= position):
            return
        starts_at_ms = event.episode if event.fired_at is None else event.fired_at
        self._hold(event.alert_id, _Held(event, position, starts_at_ms, event.instant, accepted_ms))

    def due(self, now_ms: int, most: int) -> list[Push]:
        """At most `most` alerts that are to be sent now, those never sent first; they count as sent."""
        self._forget_old(now_ms)
        chosen = list(islice(self._unsent, most))
        for alert in islice(self._sent, most - len(chosen)):
            if not needs_sending(self._held[alert].sent_ms, now_ms, self._rules.delay_ms):
                break
            chosen.append(alert)
        for alert in chosen:
            self._unsent.pop(alert, None)
            self._sent.pop(alert, None)
            self._sent[alert] = None
            self._held[alert].sent_ms = now_ms
        return [self._push(self._held[alert], now_ms) for alert in chosen]

    def wait_ms(self, now_ms: int) -> int | None:
        """How long until some alert is due; None: for as long as nothing new is told."""
        if self._unsent:
            return 0
        for alert in self._sent:
            sent_ms = self._held[alert].sent_ms or 0
            return max(sent_ms + self._rules.delay_ms + 1 - now_ms, 0)
        return None

    def _push(self, held: _Held, now_ms: int) -> Push:
        ends_at_ms = held.resolved_at_ms
        if ends_at_ms is None:
            # Pushed samples carry their senders' clocks, which may be ahead: no alert ends before it began.
            ends_at_ms = max(now_ms, held.starts_at_ms) + VALID_DELAYS * self._rules.delay_ms
        return Push(
            labels=held.told.labels,
            annotations=held.told.annotations,
            expr=held.told.expr,
            starts_at_ms=held.starts_at_ms,
            ends_at_ms=ends_at_ms,
            resolved=held.resolved_at_ms is not None,
        )

    def _hold(self, alert: str, held: _Held) -> None:
        self._held[alert] = held
        self._sent.pop(alert, None)
        self._unsent[alert] = None
        self._resolved.pop(alert, None)
        if held.resolved_at_ms is not None:
            self._resolved[alert] = None

    def _forget_old(self, now_ms: int) -> None:
        while self._resolved:
            alert = next(iter(self._resolved))
            held = self._held[alert]
            if now_ms - held.known_ms <= self._rules.resolved_retention_ms:
                return
            self._end(alert, held)

    def _forget(self, alert: str) -> None:
        for by_id in (self._held, self._unsent, self._sent, self._resolved):
            by_id.pop(alert, None)

    def _end(self, alert: str, held: _Held) -> None:
        self._forget(alert)
        self._ended[alert] = held.position
        self._ended.move_to_end(alert)
        while len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)

    def _is_past(self, alert: str, position: Position) -> bool:
        """Whether it is from before what has been forgotten: a message that alerting sent twice."""
        ended = self._ended.get(alert)
        return ended is not None and position <= ended
