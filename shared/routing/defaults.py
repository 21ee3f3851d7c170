"""Who is told where nothing is configured: the specification's routes, over what there is.

Critical alerts go to WhatsApp and e-mail, warnings to WhatsApp, everything to the outside monitoring system and to the
log. What is about WhatsApp itself goes another way, if there is one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.routing.configuration import Routing, read_routing
from shared.routing.people import Person
from shared.routing.plain_tree import tree_of

EVERYTHING, CRITICAL, WARNING, ABOUT_WHATSAPP = "everything", "critical", "warning", "about-whatsapp"
# Those of infra/rules/whatsapp.yaml and default.yaml, and the health checks `whatsapp` and `whatsapp:NAME`.
WHATSAPP_ALERTS = ['alertname=~"whatsapp_.*"']
WHATSAPP_CHECKS = ['service=~"whatsapp(:.*)?"']
# So long a WhatsApp message may be under way before people get a mail instead.
FALLBACK_AFTER = "5m"


@dataclass(frozen=True, slots=True)
class Ways:
    """What is there to tell people with."""

    whatsapp: str | None = None
    """The gateway that messages go through."""
    email: bool = False
    """`global` says how mails are sent."""
    people: Mapping[str, Person] = field(default_factory=dict)
    """Who is told beside the application's administrators."""
    outside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Accounts at outside monitoring systems: `datadog` or `newrelic`, and an entry of its `…_configs`."""


def default_configuration(ways: Ways, own_global: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as one would write it, with the `global` that is written."""
    whatsapp = _whatsapp(ways)
    email = _email(ways)
    people = [
        _receiver(CRITICAL, whatsapp, email),
        _receiver(WARNING, whatsapp, {} if whatsapp else email, fallback=ABOUT_WHATSAPP if whatsapp and email else ""),
        _receiver(ABOUT_WHATSAPP, email or whatsapp),
    ]
    routes: list[dict[str, Any]] = [{"receiver": EVERYTHING, "continue": True}]
    if whatsapp and email:
        routes += [
            {"receiver": ABOUT_WHATSAPP, "matchers": [*matchers, 'severity=~"critical|warning"'], **_SOON}
            for matchers in (WHATSAPP_ALERTS, WHATSAPP_CHECKS)
        ]
    if whatsapp or email:
        routes += [
            {"receiver": CRITICAL, "matchers": ['severity="critical"'], **_SOON},
            {"receiver": WARNING, "matchers": ['severity="warning"'], "group_by": ["alertname"]},
        ]
    outside = {f"{kind}_configs": [dict(entry)] for kind, entry in ways.outside.items()}
    return {
        "global": dict(own_global),
        "route": {"receiver": EVERYTHING, "group_by": ["..."], "group_wait": "0s", "routes": routes},
        "receivers": [
            {"name": EVERYTHING, "log_configs": [{}], **outside},
            *([one for one in people if _is_used(one, routes)] if whatsapp or email else []),
        ],
    }


def default_routing(ways: Ways, own_global: Mapping[str, Any]) -> Routing:
    """The same, read. BadRouting if `own_global` is no good."""
    return read_routing(tree_of(default_configuration(ways, own_global)), "")


# A storm of the same critical alert is one message, and the first of them does not wait long.
_SOON: Mapping[str, Any] = {"group_by": ["alertname"], "group_wait": "5s", "group_interval": "1m"}


def _whatsapp(ways: Ways) -> dict[str, Any]:
    if ways.whatsapp is None:
        return {}
    to = _to(name for name, person in ways.people.items() if person.whatsapp)
    return {"whatsapp_configs": [{"gateway": ways.whatsapp, "to": to}]}


def _email(ways: Ways) -> dict[str, Any]:
    if not ways.email:
        return {}
    to = _to(name for name, person in ways.people.items() if person.email)
    return {"email_configs": [{"to": to, "send_resolved": True}]}


def _to(names: Iterable[str]) -> list[dict[str, Any]]:
    """At most as many as a receiver may have; the administrators first."""
    to: list[dict[str, Any]] = [{"admins": True}]
    to += [{"person": name} for name in names]
    return to[:100]


def _receiver(name: str, *ways: Mapping[str, Any], fallback: str = "") -> dict[str, Any]:
    receiver: dict[str, Any] = {"name": name}
    for one in ways:
        receiver |= one
    if fallback:
        receiver["fallback"] = {"after": FALLBACK_AFTER, "receiver": fallback}
    return receiver


def _is_used(receiver: Mapping[str, Any], routes: Iterable[Mapping[str, Any]]) -> bool:
    return any(route["receiver"] == receiver["name"] for route in routes)
