"""What mutes an alert: one chain, in the order in which it is asked.

dependency -> inhibition -> silence -> acknowledgement -> flap damping -> a dependency that is not confirmed, whoever
would be told. The engine asks for the route's time intervals before, and for the person's rest after these.
"""

from collections.abc import Mapping, Sequence

from services.notifier.core.episodes import Episode
from services.notifier.core.flapping import Damping
from shared.messages.alerts import AlertEvent
from shared.messages.silences import Silence
from shared.routing.check_parents import CheckParents
from shared.routing.dependencies import Dependencies, is_confirmed
from shared.routing.inhibition import Inhibition, InhibitRule
from shared.routing.parents import Parents
from shared.routing.silencing import silenced_by


class Muting:
    """Holds what is known of silences and health, and of what fires."""

    def __init__(
        self,
        inhibit_rules: Sequence[InhibitRule],
        damping: Damping | None = None,
        dependencies: Dependencies | None = None,
    ) -> None:
        """Without `damping`, nothing counts as flapping."""
        self._damping, self._inhibit_rules = damping, inhibit_rules
        self._dependencies = dependencies or Dependencies()
        self.silences: dict[str, Silence] = {}
        """Silences and acknowledgements by id."""
        self.checks = CheckParents(self._dependencies)
        """Which health checks depend on which, and how they are."""
        self.begin_anew()

    def begin_anew(self) -> None:
        """Nothing is known any more of what fires."""
        self._inhibition = Inhibition(self._inhibit_rules)
        self._parents = Parents(self._dependencies, self.checks)

    def take(self, event: AlertEvent, at_ms: int) -> None:
        """Fold in an alert event that the bus had at `at_ms`: others may depend on what it is about."""
        self._parents.alerts.take(event, at_ms)

    def see(self, changed: Mapping[str, Episode | None]) -> None:
        """Alerts that fire now, and those that don't any more (None), by id."""
        for alert, episode in changed.items():
            if episode is None:
                self._inhibition.drop(alert)
            else:
                self._inhibition.put(alert, episode.firing.labels)

    @property
    def dependencies_version(self) -> tuple[int, int]:
        """Another one whenever something that others depend on is up, down or suspected otherwise than before."""
        return self._parents.version

    def behind(self, episode: Episode, now_ms: int) -> str | None:
        """Because of what an alert can't be well, or may not be: `dependency:…` before `suspected:…`."""
        event = episode.firing
        return self._parents.behind(event.labels, event.episode, episode.begins_ms, now_ms)

    def muted_by(self, episode: Episode, now_ms: int) -> list[str]:
        """What mutes an alert, as the ledger writes it: the first stage of the chain that does. What may turn out to
        be nothing comes last."""
        event = episode.firing
        parent = self.behind(episode, now_ms)
        if parent is not None and is_confirmed(parent):
            return [parent]
        if (source := self._inhibition.by(event.labels)) is not None and source != event.alert_id:
            return [f"inhibited:{source}"]
        found = silenced_by(self.silences.values(), event.labels, event.alert_id, event.episode, now_ms)
        if found:
            return [one for one in found if one.startswith("silence:")] or found
        if self._damping is not None and self._damping.holds_back(episode.beginnings_ms, now_ms):
            return ["flapping"]
        return [] if parent is None else [parent]
