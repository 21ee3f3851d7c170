"""What links in messages do: shown with GET, which chat programs do for a preview, and done with POST alone."""

from zoneinfo import ZoneInfo

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import Counter

from services.api.audit import Author
from services.api.core.alerts import ActiveAlerts, Told
from services.api.core.link_page import Language, Outcome, View
from services.api.problems import Problem
from services.api.silences import HOUR_MS, SilenceDesk
from shared import clock
from shared.bus import BusUnavailable
from shared.link_settings import LinksSettings
from shared.links import BadLink, Link, read
from shared.messages.silences import Silence

USES = Counter("pantau_api_link_uses_total", "Links of messages that were opened or used", ["what", "outcome"])
NOBODY = "link"


class Links:
    """Reads links and does what they are for, in the name of whom they were sent to. `language` is that of browsers
    that ask for none there is."""

    def __init__(
        self,
        settings: LinksSettings,
        language: Language,
        zone: ZoneInfo,
        external_url: str,
        alerts: ActiveAlerts,
        desk: SilenceDesk,
        per_minute_and_address: int,
    ) -> None:
        self._settings, self.language, self._zone, self._external_url = settings, language, zone, external_url
        self._key = settings.secret()
        self._alerts, self._desk = alerts, desk
        self._limit = RateLimitItemPerMinute(per_minute_and_address)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def show(self, token: str, address: str | None, language: Language) -> View:
        """What its holder sees first; nothing is changed."""
        outcome, link, alert = self._look(token, address)
        USES.labels("show", outcome).inc()
        return self._view(outcome, language, link, alert)

    async def use(self, token: str, address: str | None, language: Language) -> View:
        """Do what it is for, once."""
        outcome, link, alert = self._look(token, address)
        made: Silence | None = None
        if outcome == "ask" and link is not None and alert is not None:
            try:
                made = await self._do(link, alert, address)
                outcome = "done"
            except BusUnavailable:
                outcome = "away"
            except Problem:  # somebody else was faster, or there are too many silences
                outcome = "refused" if self._desk.known.get(link.makes) is None else "used"
        USES.labels("use", outcome).inc()
        return self._view(outcome, language, link, alert, made.ends_at if made else None)

    def _look(self, token: str, address: str | None) -> tuple[Outcome, Link | None, Told | None]:
        if not self._limiter.hit(self._limit, "address", address or ""):
            return "often", None, None
        try:
            link = read(token, self._key) if self._key is not None else None
        except BadLink:
            link = None
        if link is None:
            return "unknown", None, None
        alert = self._alerts.told_of(link.alert_id)
        alert = alert if alert is not None and alert.episode == link.episode_ms else None
        if self._desk.known.get(link.makes) is not None:
            return "used", link, alert
        if clock.now_ms() >= link.expires_at_ms:
            return "expired", link, None
        return ("over", link, None) if alert is None else ("ask", link, alert)

    async def _do(self, link: Link, alert: Told, address: str | None) -> Silence:
        author = Author(link.recipient or NOBODY, address)
        if link.action == "acknowledge":
            return await self._desk.acknowledge(
                author, alert.alert_id, alert.episode, alert.labels, "", None, id=link.makes
            )
        until_ms = clock.now_ms() + round(self._settings.silence_hours * HOUR_MS)
        return await self._desk.silence_once(author, link.makes, alert.labels, alert.message[:1_000], until_ms)

    def _view(
        self, outcome: Outcome, language: Language, link: Link | None, alert: Told | None, until_ms: int | None = None
    ) -> View:
        return View(
            outcome=outcome,
            language=language,
            zone=self._zone,
            external_url=self._external_url,
            alert=alert,
            action="acknowledge" if link is None else link.action,
            recipient="" if link is None else link.recipient,
            silence_hours=self._settings.silence_hours,
            until_ms=until_ms,
        )
