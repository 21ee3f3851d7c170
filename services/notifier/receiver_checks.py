"""Whether the entries of receivers can be channels, and name people who are there: before anything is started."""

from collections.abc import Iterator

from services.notifier.channels import ChannelSettings
from services.notifier.channels.registry import BadChannel, parse
from shared.routing.people import To
from shared.routing.recipients import unknown
from shared.routing.settings import NotificationsSettings


def problems_of(notifications: NotificationsSettings) -> Iterator[tuple[str, str]]:
    """(place of the entry, what is wrong with it) of every entry of every receiver."""
    routing = notifications.routing
    if routing is None:
        yield from _problems_outside(notifications)
        return
    directory = notifications.everybody()
    for receiver in routing.receivers.values():
        for one in receiver.integrations:
            try:
                settings = parse(one.kind, one.settings, routing.defaults, "")
            except BadChannel as error:
                yield from ((one.place, line.lstrip(".: ")) for line in str(error).splitlines())
                continue
            for reason in unknown(to_of(settings), directory):
                yield one.place, f"to: {reason}"


def _problems_outside(notifications: NotificationsSettings) -> Iterator[tuple[str, str]]:
    for kind, entry in (notifications.outside or {}).items():
        try:
            parse(kind, entry, notifications.global_, "")
        except BadChannel as error:
            yield from ((f"/outside/{kind}", line.lstrip(".: ")) for line in str(error).splitlines())


def to_of(settings: ChannelSettings) -> tuple[To, ...]:
    """Whom an entry tells, one by one; empty where the channel knows."""
    return tuple(one.to() for one in getattr(settings, "to", ()) if not isinstance(one, str))
