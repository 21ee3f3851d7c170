"""What mutes an alert: one chain, in the order in which it is asked.

dependency -> inhibition -> silence -> acknowledgement -> flap damping, whoever would be told. After these the engine
asks for the route's time intervals and the person's rest.
"""

from collections.abc import Mapping, Sequence

from services.notifier.core.episodes import Episode
from services.notifier.core.flapping import Damping
from shared.messages.health import HealthResult
from shared.messages.silences import Silence
from shared.routing.inhibition import Inhibition, InhibitRule
from shared.routing.silencing import silenced_by

CHECK_LABEL = "service"
"""The label by which an alert names the health check that it is about."""


class Muting:
    """Holds what is known of silences and health, and of what fires."""

    def __init__(self, inhibit_rules: Sequence[InhibitRule], damping: Damping | None = None) -> None:
        """Without `damping`, nothing counts as flapping."""
        self._damping = damping
        self.silences: dict[str, Silence] = {}
        """Silences and acknowledgements by id."""
        self.health: dict[str, HealthResult] = {}
        """The latest result of each check that depends on others."""
        self._inhibit_rules = inhibit_rules
        self._inhibition = Inhibition(inhibit_rules)

    def see(self, changed: Mapping[str, Episode | None]) -> None:
        """Alerts that fire now, and those that don't any more (None), by id."""
        for alert, episode in changed.items():
            if episode is None:
                self._inhibition.drop(alert)
            else:
                self._inhibition.put(alert, episode.firing.labels)

    def begin_anew(self) -> None:
        """Nothing is known any more of what fires."""
        self._inhibition = Inhibition(self._inhibit_rules)

    def muted_by(self, episode: Episode, now_ms: int) -> list[str]:
        """What mutes an alert, as the ledger writes it: the first stage of the chain that does."""
        event = episode.firing
        if (parent := unhealthy_parent(self.health, event.labels, now_ms)) is not None:
            return [f"dependency:{parent}"]
        if (source := self._inhibition.by(event.labels)) is not None and source != event.alert_id:
            return [f"inhibited:{source}"]
        found = silenced_by(self.silences.values(), event.labels, event.alert_id, event.episode, now_ms)
        if found:
            return [one for one in found if one.startswith("silence:")] or found
        flaps = self._damping is not None and self._damping.holds_back(episode.beginnings_ms, now_ms)
        return ["flapping"] if flaps else []


def unhealthy_parent(health: Mapping[str, HealthResult], labels: Mapping[str, str], now_ms: int) -> str | None:
    """The check because of which the one that an alert is about can't be well; None if there is none, or nothing is
    known any more."""
    result = health.get(labels.get(CHECK_LABEL, ""))
    if result is None or not result.unhealthy_parents or result.valid_until < now_ms:
        return None
    return result.unhealthy_parents[0]
