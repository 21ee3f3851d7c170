"""What keeps an alert from being told, and until when: silences, acknowledgements, another alert, what it depends on,
and the time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.api.core.bodies import AlertBody, ListedAlertBody, MuteBody
from shared.messages.alerts import AlertEvent, CurrentAlert, episode_id
from shared.messages.silences import Silence
from shared.routing.configuration import Routing
from shared.routing.inhibition import Inhibition
from shared.routing.matchers import Matcher, all_match
from shared.routing.parents import Parents
from shared.routing.silencing import is_muting, next_status_change_ms
from shared.routing.tree import Route, matching

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """What may be muted: an alert, or labels that one could have."""

    labels: Labels
    alert_id: str | None = None
    episode: int | None = None
    """In ms."""
    fired_ms: int | None = None
    """When it fired, if it does."""


@dataclass(frozen=True)
class Firing:
    """An alert that fires."""

    alert_id: str
    name: str
    labels: Labels


class Mutes:
    """What mutes whom at one instant: made once, asked of many alerts."""

    def __init__(
        self,
        routing: Routing,
        silences: Sequence[Silence],
        firing: Sequence[Firing],
        parents: Parents,
        at_ms: int,
    ) -> None:
        self._routing, self._at_ms, self._parents = routing, at_ms, parents
        self._names = {one.alert_id: one.name for one in firing}
        self._inhibition = Inhibition(routing.inhibit_rules, [(one.alert_id, one.labels) for one in firing])
        self._acknowledgements: dict[str, list[Silence]] = defaultdict(list)
        # Silences by one label's value that they want; those that want none are tried on every alert.
        self._by_label: dict[tuple[str, str], list[tuple[list[Matcher], Silence]]] = defaultdict(list)
        self._others: list[tuple[list[Matcher], Silence]] = []
        for one in silences:
            if is_muting(one, at_ms):
                self._add(one)
        self._wanted = {name for name, _ in self._by_label}
        self._off: dict[str, tuple[str | None, int | None]] = {}

    def of(self, subject: Subject) -> list[MuteBody]:
        """All that mutes it, what people did first."""
        return [*self.on_all_routes(subject), *self._by_time(subject.labels)]

    def on_all_routes(self, subject: Subject) -> list[MuteBody]:
        """What mutes it whoever would be told."""
        return [*self._by_people(subject), *self._by_others(subject)]

    def listed(self, alert: AlertBody, subject: Subject | None) -> ListedAlertBody:
        """The alert with what mutes it; `subject`: it, if it is active."""
        return ListedAlertBody(**dict(alert), muted_by=[] if subject is None else self.of(subject))

    def _add(self, silence: Silence) -> None:
        if silence.kind == "acknowledgement":
            self._acknowledgements[silence.alert_id or ""].append(silence)
            return
        matchers = [Matcher(one.name, one.operator, one.value) for one in silence.matchers]
        exact = next((one for one in matchers if one.operator == "=" and one.value), None)
        held = self._others if exact is None else self._by_label[exact.name, exact.value]
        held.append((matchers, silence))

    def _by_people(self, subject: Subject) -> list[MuteBody]:
        about = [] if subject.alert_id is None else self._acknowledgements.get(subject.alert_id, [])
        found = [one for one in about if one.episode in (None, subject.episode)]
        tried = [*self._others]
        for name in self._wanted & subject.labels.keys():
            tried += self._by_label.get((name, subject.labels[name]), ())
        found += [one for matchers, one in tried if all_match(matchers, subject.labels)]
        return [
            MuteBody(
                by=f"{one.kind}:{one.id}",
                name=one.created_by,
                until=next_status_change_ms(one, self._at_ms),
                reason=one.comment,
                receivers=[],
            )
            for one in found
        ]

    def _by_others(self, subject: Subject) -> list[MuteBody]:
        found = []
        source = self._inhibition.by(subject.labels)
        if source is not None and source != subject.alert_id:
            found.append(_without_end(f"inhibited:{source}", self._names[source]))
        # Labels alone wait for nothing: by the time that such an alert fires its parents are known.
        began_ms = 0 if subject.fired_ms is None else subject.fired_ms
        parent = self._parents.behind(subject.labels, subject.episode or began_ms, began_ms, self._at_ms)
        if parent is not None:
            named = parent.partition(":")[2]
            found.append(_without_end(parent, self._names.get(named, named)))
        return found

    def _by_time(self, labels: Labels) -> list[MuteBody]:
        routes = matching(self._routing.root, labels)
        off = [(route, *self._off_at(route)) for route in routes]
        quiet: dict[tuple[str, int | None], list[str]] = defaultdict(list)
        for route, name, until in off:
            if name is not None:
                quiet[name, until].append(route.receiver)
        # What every route withholds is told to nobody: that needs no list of names.
        nobody = all(name is not None for _, name, _ in off)
        return [
            MuteBody(
                by=f"mute-time:{name}",
                name=name,
                until=until,
                reason="",
                receivers=[] if nobody else sorted(set(kept)),
            )
            for (name, until), kept in quiet.items()
        ]

    def _off_at(self, route: Route) -> tuple[str | None, int | None]:
        if not route.mute_time_intervals and not route.active_time_intervals:
            return None, None
        if route.id not in self._off:
            name = self._routing.muted_by_time(route, self._at_ms)
            until = None if name is None else self._routing.next_time_change_ms(route, self._at_ms)
            self._off[route.id] = name, until
        return self._off[route.id]


class MuteChanges:
    """What has been said of each alert, to say only what is new."""

    def __init__(self) -> None:
        self._said: dict[str, list[MuteBody]] = {}

    def of(self, mutes: Mutes, alerts: Iterable[CurrentAlert | AlertEvent]) -> dict[str, list[MuteBody]]:
        """By the id of the episode what mutes it, of those active alerts for which that is not what was said."""
        found: dict[str, list[MuteBody]] = {}
        for one in alerts:
            id = episode_id(one.alert_id, one.episode)
            now = mutes.of(subject_of(one))
            if now != self._said.get(id, []):
                found[id] = now
        self._said |= found
        return found

    def keep(self, alerts: Iterable[CurrentAlert | AlertEvent]) -> None:
        """Forget all others: they are over, and whoever lists them knows that nothing mutes them."""
        active = {episode_id(one.alert_id, one.episode) for one in alerts}
        self._said = {id: mutes for id, mutes in self._said.items() if mutes and id in active}


def subject_of(told: CurrentAlert | AlertEvent) -> Subject:
    """An active alert."""
    return Subject(told.labels, told.alert_id, told.episode, told.fired_at)


def _without_end(by: str, name: str) -> MuteBody:
    return MuteBody(by=by, name=name, until=None, reason="", receivers=[])
