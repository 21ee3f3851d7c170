"""A notifier without its edges: an event log, a ledger, destinations that answer as they are told, and kills."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.notifier.core.destinations import Destination
from services.notifier.core.engine import Engine
from services.notifier.core.episodes import Episode
from services.notifier.core.flapping import Damping
from services.notifier.core.merging import Limits
from services.notifier.core.muting import Muting
from services.notifier.core.planned import Planned, outcome_of
from shared.messages.alerts import AlertEvent, CurrentAlert
from shared.messages.notifications import Notification
from shared.routing.digests import SuppressedDigest
from shared.routing.receivers import Fallback
from shared.routing.tree import Route, RouteDraft, build


@dataclass
class FakeTerms:
    """Each receiver has one webhook, unless `ways` says otherwise."""

    root: Route = field(default_factory=lambda: build(RouteDraft(receiver="ops", immediate=True)))
    ways: dict[str, list[Destination]] = field(default_factory=dict)
    fallbacks: dict[str, Fallback] = field(default_factory=dict)
    muted: dict[str, list[str]] = field(default_factory=dict)
    """By rule."""
    off_routes: dict[str, str] = field(default_factory=dict)
    quiet: dict[str, int] = field(default_factory=dict)
    """Until when, by destination."""
    damping: Damping | None = None
    leaves_unknown: bool = False
    suppressed_digest: SuppressedDigest = field(default_factory=SuppressedDigest)
    muting: Muting = field(default_factory=lambda: Muting(()))
    """Asked for what lies behind something that is down."""

    @property
    def dependencies_version(self) -> object:
        return self.muting.dependencies_version

    def behind(self, episode: Episode, now_ms: int) -> str | None:
        return self.muting.behind(episode, now_ms)

    def destinations(self, receiver: str, now_ms: int) -> Sequence[Destination]:
        return self.ways.get(receiver, [Destination(receiver, "webhook")])

    def destination(self, receiver: str, name: str) -> Destination | None:
        return next((one for one in self.destinations(receiver, 0) if one.name == name), None)

    def repeats_unknown(self, destination: Destination) -> bool:
        return not self.leaves_unknown

    def fallback(self, receiver: str) -> Fallback | None:
        return self.fallbacks.get(receiver)

    def muted_by(self, episode: Episode, now_ms: int) -> list[str]:
        if self.damping is not None and self.damping.holds_back(episode.beginnings_ms, now_ms):
            return ["flapping"]
        return self.muted.get(episode.firing.rule, []) or self.muting.muted_by(episode, now_ms)

    def off(self, route: Route, now_ms: int) -> str | None:
        return self.off_routes.get(route.key)

    def off_until_ms(self, route: Route, now_ms: int) -> int | None:
        return None

    def quiet_until_ms(self, destination: Destination, severity: str, now_ms: int) -> int | None:
        until = self.quiet.get(destination.name)
        return until if until is not None and now_ms < until else None


@dataclass
class World:
    """Everything that outlives a kill, and the engine that does not."""

    terms: FakeTerms = field(default_factory=FakeTerms)
    log: list[tuple[int, AlertEvent]] = field(default_factory=list)
    """(accepted ms, event); its index is its offset."""
    ledger: list[Notification] = field(default_factory=list)
    written_ms: list[int] = field(default_factory=list)
    """When each entry of the ledger was written."""
    kept_from: int = 0
    """The first event that the bus still has."""
    arrived: list[tuple[int, Planned]] = field(default_factory=list)
    """(ms, what a destination took), in order."""
    committed: tuple[int, int, int] = (0, 0, 0)
    """(anchor, told until ms, first offset not read)"""
    now_ms: int = 0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A notifier starts: what another left is under way again."""
        anchor, told_until_ms, told_offset = self.committed
        self.terms.muting.begin_anew()
        self.engine = Engine(self.terms, 1_000, told_until_ms, told_offset, self.limits)
        self.read = max(anchor, self.kept_from)
        self.open: list[Planned] = []
        for entry in self.ledger:
            self.engine.note(entry)
        self.read_log()
        self.engine.stand(self._standing(), self.now_ms)
        self.open += self.engine.resume(self.now_ms)
        self.look()

    def publish(self, event: AlertEvent, at_ms: int) -> None:
        self.log.append((at_ms, event))

    def look(self, now_ms: int | None = None) -> list[Planned]:
        """Read what there is, and plan what is due."""
        self.now_ms = max(self.now_ms, now_ms or 0)
        self.read_log()
        self.engine.advance(self.now_ms)
        found = self.engine.plan(self.now_ms)
        self._write(self.engine.records())
        for planned in found:
            self._append(planned.record)
            self.engine.note(planned.record)
        self.open += found
        return found

    def answer(self, planned: Planned, state: str = "sent", recorded: bool = True) -> None:
        """A destination answers; without `recorded` the notifier is killed before it writes so."""
        self.open.remove(planned)
        if state == "sent":
            self.arrived.append((self.now_ms, planned))
        if recorded:
            self._write([outcome_of(planned, state, self.now_ms)])

    def forget(self, before_ms: int) -> None:
        """The bus lets go of events and of the ledger's entries that it had before then."""
        self.kept_from = next((at for at, (ms, _) in enumerate(self.log) if ms >= before_ms), len(self.log))
        kept = [place for place, at in enumerate(self.written_ms) if at >= before_ms]
        self.ledger = [self.ledger[place] for place in kept]
        self.written_ms = [self.written_ms[place] for place in kept]

    def run(self, until_ms: int) -> None:
        """Let time pass; everything that is sent arrives at once."""
        while True:
            self.look()
            while self.open:
                self.answer(self.open[0])
                self.look()
            times = [at for at, _ in self.log[self.read :]] + ([self.engine.next_ms] if self.engine.next_ms else [])
            if not times or min(times) > until_ms:
                break
            self.now_ms = max(self.now_ms, min(times))
        self.look(until_ms)

    def commit(self) -> None:
        self.committed = (self.engine.anchor(self.read), self.engine.told_until_ms, self.read)

    def tear(self) -> None:
        """What is planned is being written to the ledger, and how far it has come is stored; then it is killed."""
        self.read_log()
        self.engine.advance(self.now_ms)
        self.engine.plan(self.now_ms)
        self.commit()
        self.start()

    def told(self, destination: str | None = None) -> list[tuple[int, str, list[tuple[str, str]]]]:
        """(ms, occasion, [(rule, status)]) of each notice that arrived."""
        return [
            (at, one.notice.occasion, [(alert.event.rule, alert.status) for alert in one.notice.alerts])
            for at, one in self.arrived
            if destination is None or one.destination.name == destination
        ]

    def read_log(self) -> None:
        while self.read < len(self.log) and self.log[self.read][0] <= self.now_ms:
            at, event = self.log[self.read]
            self.terms.muting.take(event, at)
            self.engine.take(event, self.read, at)
            self.read += 1

    def _append(self, entry: Notification) -> None:
        self.ledger.append(entry)
        self.written_ms.append(self.now_ms)

    def _standing(self) -> list[CurrentAlert]:
        """The state topic: what fires by all events that there ever were."""
        latest = {event.alert_id: event for at, event in self.log if at <= self.now_ms}
        return [current_of(event) for event in latest.values() if event.state == "firing" and not event.shadow]

    def _write(self, entries: Sequence[Notification]) -> None:
        for entry in entries:
            self._append(entry)
            self.engine.note(entry)
            if entry.state == "failed":
                self.open = [one for one in self.open if one.record.id != entry.id]


def current_of(event: AlertEvent) -> CurrentAlert:
    """What the state topic says of an alert that fires by `event`."""
    return CurrentAlert(
        alert_id=event.alert_id,
        fingerprint=event.fingerprint,
        group=event.group,
        rule=event.rule,
        rule_version=event.rule_version,
        episode=event.episode,
        state="firing",
        since=event.instant,
        fired_at=event.fired_at,
        labels=event.labels,
        annotations=event.annotations,
        severity=event.severity,
        message=event.message,
        value=event.value,
        expr=event.expr,
        last_event_id=event.id,
        last_transition=event.transition,
    )
