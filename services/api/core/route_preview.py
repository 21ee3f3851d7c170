"""Who would be told of an alert, and what would keep it from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.api.core.receiver_bodies import MuteBody, RouteBody, RoutePreviewBody, StepBody, ToldBody
from shared.messages.access import Recipient
from shared.messages.silences import Silence
from shared.routing.configuration import Routing
from shared.routing.inhibition import inhibited_by
from shared.routing.on_call import Schedule, on_call_at
from shared.routing.people import Person, quiet_until_ms
from shared.routing.people_settings import ToSettings
from shared.routing.receivers import Integration
from shared.routing.silencing import applies, is_muting, next_status_change_ms
from shared.routing.tree import Route, group_key, group_labels, matching

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Site:
    """All that decides."""

    routing: Routing
    people: Mapping[str, Person]
    schedules: Mapping[str, Schedule]
    admins: Sequence[Recipient]
    silences: Sequence[Silence]
    firing: Sequence[tuple[str, Labels]]
    """Ids and labels of the alerts that fire."""


def preview(site: Site, labels: Labels, alert: tuple[str, int] | None, at_ms: int) -> RoutePreviewBody:
    """What would happen to an alert with these labels at an instant (ms). `alert`: its id and episode, if it is one
    that is active."""
    routes = matching(site.routing.root, labels)
    return RoutePreviewBody(
        labels=dict(labels),
        at=at_ms,
        muted_by=_muted_by(site, labels, alert, at_ms),
        routes=[_route(site, route, labels, at_ms) for route in routes],
    )


def _muted_by(site: Site, labels: Labels, alert: tuple[str, int] | None, at_ms: int) -> list[MuteBody]:
    id, episode = alert or ("", None)
    found = [
        MuteBody(by=f"{one.kind}:{one.id}", until=next_status_change_ms(one, at_ms), reason=one.comment)
        for one in site.silences
        # Without an alert there is nothing that anybody could have acknowledged.
        if (alert is not None or one.kind == "silence") and applies(one, labels, id, episode) and is_muting(one, at_ms)
    ]
    source = inhibited_by(site.routing.inhibit_rules, labels, [one for one in site.firing if one[0] != id])
    if source is not None:
        names = dict(next(one[1] for one in site.firing if one[0] == source))
        reason = f"{names.get('alertname', source)} fires"
        found.append(MuteBody(by=f"inhibited:{source}", until=None, reason=reason))
    return found


def _route(site: Site, route: Route, labels: Labels, at_ms: int) -> RouteBody:
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
        for name, because, person in _recipients(site, way, at_ms):
            quiet = None if person is None else quiet_until_ms(person, severity, at_ms)
            yield ToldBody(channel=way.kind, to=name, because=because, quiet_until=quiet, resolved=way.send_resolved)


def _recipients(site: Site, way: Integration, at_ms: int) -> list[tuple[str | None, str | None, Person | None]]:
    """(Name or address, why, the person if it is one) of each."""
    given: Any = way.settings.get("to")
    if isinstance(given, str):
        return [(given, None, None)]
    if not isinstance(given, list | tuple) or not given:
        return [(None, None, None)]
    found: list[tuple[str | None, str | None, Person | None]] = []
    for one in given:
        try:
            to = ToSettings.model_validate(one)
        except ValidationError:  # another channel's own form; notifier knows it
            found.append((str(one) if isinstance(one, str) else None, None, None))
            continue
        if to.person is not None:
            found.append((to.person, None, site.people.get(to.person)))
        elif to.on_call is not None:
            schedule = site.schedules.get(to.on_call)
            name = None if schedule is None else on_call_at(schedule, at_ms)
            found.append((name, f"on call: {to.on_call}", None if name is None else site.people.get(name)))
        elif to.number is not None:
            found.append((to.number, None, None))
        else:
            found += [(admin.name, "administrator", None) for admin in site.admins] or [(None, "administrator", None)]
    return found
