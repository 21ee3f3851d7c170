"""Who is told of which alerts, as section `notifications` says it: for api to show, not to act by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from shared.routing.configuration import KEYS, Routing
from shared.routing.in_effect import routing_in_effect
from shared.routing.recipients import Directory
from shared.routing.settings import NotificationsSettings
from shared.whatsapp.settings import WhatsappSettings


@dataclass(frozen=True)
class RoutingInForce:
    """What is configured."""

    routing: Routing
    directory: Directory
    written: Mapping[str, Any]
    """As it is written, secrets included; empty if nothing is."""
    zone: ZoneInfo


def routing_in_force(settings: NotificationsSettings, whatsapp: WhatsappSettings) -> RoutingInForce:
    """What the section says; it has been checked when it was read."""
    wording = settings.wording
    return RoutingInForce(
        routing=routing_in_effect(settings, [one.name for one in whatsapp.gateways if one.sends]),
        directory=settings.everybody(),
        written=_written(settings),
        zone=ZoneInfo(wording.zone),
    )


def _written(settings: NotificationsSettings) -> Mapping[str, Any]:
    if settings.alertmanager_file is not None:
        found = yaml.safe_load(settings.alertmanager_file.read_text())
        return found if isinstance(found, dict) else {}
    named = {"global_" if key == "global" else key for key in KEYS}
    return settings.model_dump(by_alias=True, include=named)
