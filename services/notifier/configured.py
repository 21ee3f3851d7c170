"""The configuration as the engine asks for it, and the channels that it describes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from zoneinfo import ZoneInfo

from services.notifier.channels import Channel, Context
from services.notifier.channels.registry import BadChannel, make, parse
from services.notifier.core.destinations import Destination
from services.notifier.core.episodes import Episode
from services.notifier.core.links import SignedLinks
from services.notifier.core.muting import Muting
from services.notifier.core.templates import templates
from services.notifier.core.wording import Wording
from services.notifier.direct import Target
from services.notifier.gateways import gateways, sending
from services.notifier.receiver_checks import to_of
from services.notifier.recipients import Recipients
from services.notifier.settings import Settings
from shared.messages.access import Recipient
from shared.routing.configuration import Routing
from shared.routing.digests import SuppressedDigest
from shared.routing.in_effect import routing_in_effect
from shared.routing.people import Person, To, quiet_until_ms
from shared.routing.receivers import Fallback, Integration, Receiver
from shared.routing.tree import Route
from shared.rules.templates.errors import BadTemplate

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Way:
    """One entry of a receiver: where it leads."""

    destination: Destination
    """Without a person."""
    channel: Channel
    to: tuple[To, ...]
    """Whom it tells, one by one; empty where the channel knows."""


class Configured:
    """Answers the engine's questions (`Terms`) out of settings, recipients, and what mutes."""

    def __init__(
        self,
        routing: Routing,
        ways: Mapping[str, Sequence[Way]],
        recipients: Recipients,
        muting: Muting,
        repeats_unknown: bool = True,
        suppressed_digest: SuppressedDigest | None = None,
    ) -> None:
        self.suppressed_digest = suppressed_digest or SuppressedDigest()
        """When people are told of what was held back and is over."""
        self._routing, self._ways, self._recipients, self.muting = routing, ways, recipients, muting
        self._repeats_unknown = repeats_unknown
        self._by_place = {way.destination.name: way for found in ways.values() for way in found}

    @property
    def root(self) -> Route:
        """The tree of routes."""
        return self._routing.root

    @property
    def channels(self) -> dict[str, Channel]:
        """By destination, without the person."""
        return {name: way.channel for name, way in self._by_place.items()}

    @property
    def receivers(self) -> Mapping[str, Receiver]:
        """By name."""
        return self._routing.receivers

    def destinations(self, receiver: str, now_ms: int) -> list[Destination]:
        """Where notices to `receiver` go now."""
        return [one for way in self._ways.get(receiver, ()) for one in self._of_way(way, now_ms)]

    def destination(self, receiver: str, name: str) -> Destination | None:
        """The destination of that name, whoever is on call."""
        for way in self._ways.get(receiver, ()):
            own = way.destination
            if name == own.name:
                return own
            if way.to and name.startswith(own.name + "/"):
                return Destination(receiver, own.kind, own.index, name[len(own.name) + 1 :], own.send_resolved)
        return None

    def channel(self, destination: Destination) -> Channel:
        """What sends there."""
        return self._by_place[destination.place].channel

    def recipient(self, destination: Destination, now_ms: int) -> Recipient | None:
        """The person there; None where there is none, or where that one can't be told any more."""
        if not destination.person:
            return None
        ways = self._by_place[destination.place].to
        candidates = (*ways, To(person=destination.person), To(admins=True), To(number=destination.person))
        for to in candidates:
            for one in self._recipients.resolve([to], now_ms):
                if one.id == destination.person:
                    return one
        return None

    def targets(self, receivers: Sequence[str], now_ms: int) -> list[Target]:
        """Whom the receivers reach now, for whoever tells them without the bus."""
        found = [one for receiver in receivers for one in self.destinations(receiver, now_ms)]
        return [Target(one.receiver, one.name, self.channel(one), self.recipient(one, now_ms)) for one in found]

    def repeats_unknown(self, destination: Destination) -> bool:
        """Whether what may have arrived is sent again: always where the other side drops what it has had."""
        return self._repeats_unknown or self.channel(destination).deduplicates

    def fallback(self, receiver: str) -> Fallback | None:
        """Who is told where `receiver` can't be."""
        found = self._routing.receivers.get(receiver)
        return None if found is None else found.fallback

    @property
    def dependencies_version(self) -> object:
        """Another one whenever `behind` may answer otherwise, but for the time that has passed."""
        return self.muting.dependencies_version

    def behind(self, episode: Episode, now_ms: int) -> str | None:
        """Because of what an alert can't be well, or may not be."""
        return self.muting.behind(episode, now_ms)

    def muted_by(self, episode: Episode, now_ms: int) -> list[str]:
        """What mutes an alert, whoever would be told."""
        return self.muting.muted_by(episode, now_ms)

    def off(self, route: Route, now_ms: int) -> str | None:
        """The time interval because of which a route tells nothing now."""
        return self._routing.muted_by_time(route, now_ms)

    def off_until_ms(self, route: Route, now_ms: int) -> int | None:
        """When a route that tells nothing now may tell again."""
        return self._routing.next_time_change_ms(route, now_ms)

    def quiet_until_ms(self, destination: Destination, severity: str, now_ms: int) -> int | None:
        """Until when the person there is not to be disturbed."""
        recipient = self.recipient(destination, now_ms)
        person: Person | None = None if recipient is None else self._recipients.person(recipient)
        return None if person is None else quiet_until_ms(person, severity, now_ms)

    def _of_way(self, way: Way, now_ms: int) -> list[Destination]:
        own = way.destination
        if not way.to:
            return [own]
        people = self._recipients.resolve(way.to, now_ms)
        return [Destination(own.receiver, own.kind, own.index, one.id, own.send_resolved) for one in people]


def routing_of(settings: Settings) -> Routing:
    """What is configured, or the specification's routes."""
    return routing_in_effect(settings.notifications, [one.name for one in sending(settings.whatsapp)])


def check(settings: Settings) -> None:
    """BadChannel with the place of each entry of a receiver that can't be used, beyond what `problems_of` finds in the
    settings alone: gateways, files, keys. `./pantau config check` asks."""
    ways_of(settings, routing_of(settings))


def ways_of(settings: Settings, routing: Routing) -> dict[str, list[Way]]:
    """The entries of each receiver with their channels. BadChannel with the place of each that can't be used."""
    context = Context(wording_of(settings, routing), gateways(settings.whatsapp))
    problems = list[str]()
    found: dict[str, list[Way]] = {}
    for receiver in routing.receivers.values():
        found[receiver.name] = []
        for one in receiver.integrations:
            place = f"notifications.receivers[{receiver.name}].{one.kind}_configs[{one.index}]"
            try:
                found[receiver.name].append(_way(receiver.name, one, routing, context, place))
            except BadChannel as error:
                problems += str(error).splitlines()
            except ValueError as error:
                problems.append(f"{place}: {error}")
    if problems:
        raise BadChannel("\n".join(problems))
    return found


def wording_of(settings: Settings, routing: Routing) -> Wording:
    """How people are spoken to. BadChannel where templates or the key of links can't be read."""
    chosen, links = settings.notifications, None
    try:
        if (key := chosen.links.secret()) is not None:
            links = SignedLinks(settings.external.url, round(chosen.links.valid_hours * HOUR_MS), key)
        files = [(path, Path(path).read_text()) for pattern in routing.templates for path in sorted(glob(pattern))]
        return Wording(
            settings.external.url, ZoneInfo(chosen.wording.zone), chosen.wording.language, links, templates(files)
        )
    except (BadTemplate, ValueError, OSError) as error:
        raise BadChannel(f"notifications: {error}") from error


def _way(receiver: str, one: Integration, routing: Routing, context: Context, place: str) -> Way:
    settings = parse(one.kind, one.settings, routing.defaults, place)
    destination = Destination(receiver, one.kind, one.index, send_resolved=settings.send_resolved)
    return Way(destination, make(one.kind, settings, destination.name, context), to_of(settings))
