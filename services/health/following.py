"""What collectors of other machines put on the bus, for the checks that judge it."""

from collections import defaultdict
from collections.abc import Iterable

from services.health.check import Check
from services.health.checks.hosts import SILENT_SECONDS, HostCheck
from shared import clock
from shared.bus import Follower, Producer, Received
from shared.messages.topics import SAMPLES


def host_follower(bootstrap: str, producer: Producer, checks: Iterable[Check]) -> Follower | None:
    """Hands each of those checks its batches, also those of the last minutes; None if there are no such checks."""
    wanted: defaultdict[str, list[HostCheck]] = defaultdict(list)
    for check in checks:
        if isinstance(check, HostCheck):
            wanted[check.source].append(check)

    def apply(message: Received) -> None:
        for check in wanted.get(message.message.source, ()):
            check.take(message.message)

    start = clock.now_ms() - round(1000 * SILENT_SECONDS)
    return Follower(bootstrap, "health", [SAMPLES], producer, apply, start) if wanted else None
