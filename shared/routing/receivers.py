"""Receivers: who is told, in which ways."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What notifier has channels for, as keys of a receiver: `webhook_configs`.
KINDS = (
    *("webhook", "email", "whatsapp", "telegram", "slack", "msteams", "msteamsv2", "discord"),
    *("pagerduty", "opsgenie", "apprise", "datadog", "newrelic", "log"),
)
# What Alertmanager has beside them, and what does it here.
ELSEWHERE: Mapping[str, str] = {
    "pushover": "apprise_configs with a pover:// URL",
    "webex": "apprise_configs with a wxteams:// URL",
    "rocketchat": "apprise_configs with a rocket:// URL",
    "mattermost": "apprise_configs with an mmost:// URL",
    "sns": "apprise_configs with an sns:// URL",
    "victorops": "apprise_configs with a splunk:// URL (Splunk On-Call)",
    "wechat": "apprise_configs with a wecombot:// URL",
    "signl4": "apprise_configs with a signl4:// URL",
    "incidentio": "webhook_configs",
    "jira": "webhook_configs",
}
SUFFIX = "_configs"
# As in Alertmanager, these tell the end of an alert only with `send_resolved: true`.
SILENT_ABOUT_ENDS = frozenset({"email", "slack"})


@dataclass(frozen=True)
class Integration:
    """One way in which a receiver is told. The settings are as they are written; only notifier reads them further."""

    kind: str
    """`whatsapp`, `webhook`, …"""
    index: int
    """Its number among those of its kind in the receiver, from 0."""
    settings: Mapping[str, Any] = field(repr=False)  # it holds secrets
    send_resolved: bool = True
    """Whether the end of an alert is told too; also in the settings, if it is written."""
    place: str = field(default="", compare=False)
    """Where it is written: file and line, or the path in the settings."""


@dataclass(frozen=True)
class Fallback:
    """Who is told instead, where a delivery has failed for good or has had no success for so long."""

    after_ms: int
    receiver: str


@dataclass(frozen=True)
class Receiver:
    """A name, and the ways in which it is told; without any, nobody is."""

    name: str
    integrations: tuple[Integration, ...] = ()
    fallback: Fallback | None = None
