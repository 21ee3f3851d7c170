"""What a source is. To add one: a file in `sources/`, its settings, its tests."""

from typing import NamedTuple, Protocol

from shared.messages.samples import Sample
from shared.metrics import Metric


class Reading(NamedTuple):
    """What one reading of a source brought."""

    samples: list[Sample]
    problems: tuple[str, ...] = ()
    """For each part that could not be read, the reason: a short word that counts in `pantau_source_errors_total`."""
    failure: str = ""
    """The reason if the reading failed as a whole, yet there is something to tell: that what is read is down."""


class Source(Protocol):
    """Something that is read every `interval_seconds`."""

    name: str
    """Unique among the sources, e.g. `system`."""
    host: str
    """Whose readings these are: the `host` label."""
    origin: str
    """The `source` of its batches, also their key: one ordered log of its own. `collector/<host>` is the system's,
    others append their name."""
    interval_seconds: float
    deadline_seconds: float
    metrics: tuple[Metric, ...]
    """Every metric that a reading may hold."""
    reasons: tuple[str, ...]
    """What its problems and failures may be: counted from zero, so that the first of a kind is an increase. Empty where
    a metric of its own counts them so."""

    async def read(self, now_ms: int) -> Reading:
        """Read once. Samples carry `now_ms`, unless the world itself gives them another time. An exception means that
        there is no reading. It is cancelled at its deadline; blocking calls go through `shared.blocking`."""
        ...
