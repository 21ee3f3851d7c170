"""The routing that holds: what is configured, else the defaults over what there is."""

from collections.abc import Sequence

from shared.routing.configuration import Routing
from shared.routing.defaults import Ways, default_routing
from shared.routing.settings import NotificationsSettings
from shared.routing.tree import matching

# What the watchdog says, as routes see it.
WATCHDOG_LABELS = {"alertname": "pantau_bus_silent", "severity": "critical"}


def routing_in_effect(settings: NotificationsSettings, gateways: Sequence[str]) -> Routing:
    """`gateways`: the names of the WhatsApp gateways that can send, of which the first is used."""
    if settings.routing is not None:
        return settings.routing
    written = {key: value for key, value in settings.global_.items() if value is not None}
    wording = settings.wording
    ways = Ways(
        whatsapp=gateways[0] if gateways else None,
        email="smtp_smarthost" in written and "smtp_from" in written,
        people=settings.directory(wording.zone, wording.language),
        outside=settings.outside_entries,
    )
    return default_routing(ways, written)


def watchdog_receivers(settings: NotificationsSettings, routing: Routing) -> list[str]:
    """Who is told that Pantau itself is dark: the receiver that is named, else those of a critical alert."""
    if settings.watchdog.receiver is not None:
        return [settings.watchdog.receiver]
    return list(dict.fromkeys(route.receiver for route in matching(routing.root, WATCHDOG_LABELS)))
