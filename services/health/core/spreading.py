"""When checks begin: many of one kind not all at once."""

from collections import Counter
from collections.abc import Sequence

# So many of a kind may begin together, for a short first sight; more share their interval.
TOGETHER = 32


def first_waits(checks: Sequence[tuple[str, float]]) -> list[float]:
    """For each check, given as (kind, interval in seconds), how many seconds to wait before its first run."""
    of_kind = Counter(kind for kind, _ in checks)
    begun: Counter[str] = Counter()
    waits = []
    for kind, interval in checks:
        waits.append(interval * begun[kind] / of_kind[kind] if of_kind[kind] > TOGETHER else 0.0)
        begun[kind] += 1
    return waits
