"""What the engine is told of the configuration and of the world: routes, destinations, and what mutes."""

from collections.abc import Sequence
from typing import Protocol

from services.notifier.core.destinations import Destination
from services.notifier.core.episodes import Episode
from shared.routing.digests import SuppressedDigest
from shared.routing.receivers import Fallback
from shared.routing.tree import Route


class Terms(Protocol):
    """Answers to what the engine asks. Each answer holds for the instant that is asked for."""

    @property
    def root(self) -> Route:
        """The tree of routes."""
        ...

    def destinations(self, receiver: str, now_ms: int) -> Sequence[Destination]:
        """Where notices to `receiver` go now; whoever is on call may change."""
        ...

    def destination(self, receiver: str, name: str) -> Destination | None:
        """The destination of that name, whether or not it is among those of now; None if the configuration has no
        such way any more."""
        ...

    def repeats_unknown(self, destination: Destination) -> bool:
        """Whether a delivery of which nobody knows whether it arrived is tried again there."""
        ...

    def fallback(self, receiver: str) -> Fallback | None:
        """Who is told where `receiver` can't be."""
        ...

    @property
    def suppressed_digest(self) -> SuppressedDigest:
        """When people are told of what was held back and is over."""
        ...

    @property
    def dependencies_version(self) -> object:
        """Another one whenever `behind` may answer otherwise, but for the time that has passed."""
        ...

    def behind(self, episode: Episode, now_ms: int) -> str | None:
        """Because of what an alert can't be well, or may not be: `dependency:PARENT`, `suspected:PARENT`; None if
        there is nothing."""
        ...

    def muted_by(self, episode: Episode, now_ms: int) -> list[str]:
        """What mutes an alert, whoever would be told, as the ledger writes it; empty if nothing does."""
        ...

    def off(self, route: Route, now_ms: int) -> str | None:
        """The time interval because of which a route tells nothing now; None if it tells."""
        ...

    def quiet_until_ms(self, destination: Destination, severity: str, now_ms: int) -> int | None:
        """Until when the person there is not to be disturbed; None if not now."""
        ...

    def off_until_ms(self, route: Route, now_ms: int) -> int | None:
        """When a route that tells nothing now may tell again; None if that is not known."""
        ...
