"""Who would be told of an alert, and what would keep it from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.api.core.mutes import Mutes, Subject
from services.api.core.receiver_bodies import RouteBody, RoutePreviewBody, StepBody, ToldBody
from shared.messages.access import Recipient
from shared.routing.configuration import Routing
from shared.routing.people import Person, To, quiet_until_ms
from shared.routing.people_settings import ToSettings
from shared.routing.receivers import Integration
from shared.routing.recipients import Directory, choose
from shared.routing.tree import Route, group_key, group_labels, matching


@dataclass(frozen=True)
class Site:
    """All that decides."""

    routing: Routing
    directory: Directory
    admins: Sequence[Recipient]
    mutes: Mutes
    """Of the instant that is asked about."""


@dataclass(frozen=True)
class _Somebody:
    """Whom an entry leads to."""

    name: str | None = None
    because: str | None = None
    person: Person | None = None


def preview(site: Site, subject: Subject, at_ms: int) -> RoutePreviewBody:
    """What would happen to an alert at an instant (ms)."""
    routes = matching(site.routing.root, subject.labels)
    return RoutePreviewBody(
        labels=dict(subject.labels),
        at=at_ms,
        muted_by=site.mutes.on_all_routes(subject),
        routes=[_route(site, route, subject.labels, at_ms) for route in routes],
    )


def _route(site: Site, route: Route, labels: Mapping[str, str], at_ms: int) -> RouteBody:
    grouped = group_labels(route, labels)
    muted = site.routing.muted_by_time(route, at_ms)
    receiver = site.routing.receivers.get(route.receiver)
    fallback = receiver.fallback if receiver is not None else None
    severity = labels.get("severity", "")
    return RouteBody(
        route=route.key,
        receiver=route.receiver,
        told=list(_told(site, route.receiver, severity, at_ms)),
        group_key=group_key(route, grouped),
        group_labels=grouped,
        group_wait_seconds=route.group_wait_ms / 1000,
        group_interval_seconds=route.group_interval_ms / 1000,
        repeat_interval_seconds=route.repeat_interval_ms / 1000,
        immediate=route.immediate,
        muted_by_time=muted,
        muted_until=site.routing.next_time_change_ms(route, at_ms) if muted is not None else None,
        escalation=[_step(site, one.after_ms, one.receiver, severity, at_ms) for one in route.escalation],
        fallback=None if fallback is None else _step(site, fallback.after_ms, fallback.receiver, severity, at_ms),
    )


def _step(site: Site, after_ms: int, receiver: str, severity: str, at_ms: int) -> StepBody:
    """With who is on call by then."""
    told = list(_told(site, receiver, severity, at_ms + after_ms))
    return StepBody(after_seconds=after_ms / 1000, receiver=receiver, told=told)


def _told(site: Site, receiver: str, severity: str, at_ms: int) -> Iterator[ToldBody]:
    known = site.routing.receivers.get(receiver)
    for way in known.integrations if known is not None else ():
        for one in _recipients(site, way, at_ms):
            quiet = None if one.person is None else quiet_until_ms(one.person, severity, at_ms)
            yield ToldBody(
                channel=way.kind, to=one.name, because=one.because, quiet_until=quiet, resolved=way.send_resolved
            )


def _recipients(site: Site, way: Integration, at_ms: int) -> list[_Somebody]:
    given: Any = way.settings.get("to")
    if isinstance(given, str):
        return [_Somebody(given)]
    if not isinstance(given, list | tuple) or not given:
        return [_Somebody()]
    people: list[To] = []
    addresses: list[_Somebody] = []
    for one in given:
        try:
            people.append(ToSettings.model_validate(one).to())
        except ValidationError:  # another channel's own form; notifier knows it
            addresses.append(_Somebody(one if isinstance(one, str) else None))
    chosen = choose(people, site.directory, site.admins, at_ms)
    found = [_Somebody(one.recipient.name, _because(one.to), site.directory.person_of(one.recipient)) for one in chosen]
    # An entry that stands for nobody at that time is to be seen.
    vacant = [one for one in people if not choose([one], site.directory, site.admins, at_ms)]
    return [*found, *(_Somebody(one.person, _because(one)) for one in vacant), *addresses]


def _because(to: To) -> str | None:
    if to.on_call is not None:
        return f"on call: {to.on_call}"
    return "administrator" if to.admins else None
