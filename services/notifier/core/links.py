"""Links in messages with which an alert is dealt with from a phone."""

from dataclasses import dataclass, field

from shared.links import PATH, Action, Link, sign
from shared.messages.alerts import AlertEvent


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """Makes them: the same for the same alert event, instant and person."""

    external_url: str
    """Where people reach this Pantau in a browser, without a slash at its end."""
    valid_ms: int
    key: str = field(repr=False)

    def acknowledge_url(self, alert: AlertEvent, now_ms: int, person: str | None = None) -> str:
        """Where one tap acknowledges the alert's episode, as `person`."""
        return self._url("acknowledge", alert, now_ms, person)

    def silence_url(self, alert: AlertEvent, now_ms: int, person: str | None = None) -> str:
        """Where one tap silences the alert for some hours, as `person`."""
        return self._url("silence", alert, now_ms, person)

    def _url(self, action: Action, alert: AlertEvent, now_ms: int, person: str | None) -> str:
        nonce = f"{alert.id} {now_ms}"
        link = Link(action, alert.alert_id, alert.episode, person or "", now_ms + self.valid_ms, nonce)
        return f"{self.external_url}{PATH}{sign(link, self.key)}"
