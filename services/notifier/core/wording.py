"""How this installation speaks to people: language, zone, and the links that it gives them."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from services.notifier.core.notice import Notice
from services.notifier.core.templates import NO_TEMPLATES, Templates
from shared.messages.alerts import AlertEvent, episode_id

Language = Literal["id", "en"]


class Links(Protocol):
    """Makes links with which an alert is dealt with from a phone. Pure: the same for the same arguments."""

    def acknowledge_url(self, alert: AlertEvent, now_ms: int, person: str | None = None) -> str:
        """Where one tap acknowledges `alert`; `person` is who is asked to."""
        ...

    def silence_url(self, alert: AlertEvent, now_ms: int, person: str | None = None) -> str:
        """Where one tap silences `alert`."""
        ...


@dataclass(frozen=True, slots=True)
class Wording:
    """What texts of notices are made with, beside the notice."""

    external_url: str
    """Where people reach this Pantau in a browser, without a slash at its end."""
    zone: ZoneInfo
    language: Language = "id"
    links: Links | None = None
    """None: no links to acknowledge and silence."""
    templates: Templates = NO_TEMPLATES
    """What `notifications.templates` defines."""

    def of(self, notice: Notice) -> "Wording":
        """The same, in the language and zone of whom `notice` is for."""
        person = notice.recipient
        if person is None:
            return self
        return replace(self, language=person.language, zone=_zone(person.zone) or self.zone)

    def alert_url(self, event: AlertEvent) -> str:
        """The page of the alert's episode."""
        return f"{self.external_url}/alerts/{quote(episode_id(event.alert_id, event.episode), safe='')}"


@lru_cache(maxsize=256)
def _zone(name: str | None) -> ZoneInfo | None:
    """None for one that is not known: the text of a message on the bus must not keep it from being told."""
    try:
        return None if name is None else ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None
