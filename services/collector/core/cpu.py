"""How busy a processor was between two readings of the time it spent in each state."""

from collections.abc import Mapping

IDLE = ("idle", "iowait")
# The kernel counts what guests use in user and nice too.
COUNTED_TWICE = ("guest", "guest_nice")


def busy_percent(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """Percent of the time between two readings (seconds by state) that was not idle; None if no time passed.

    A state whose time went backwards, as iowait's may, counts as unchanged: so does top.
    """
    spent = {state: max(0.0, after[state] - before.get(state, 0.0)) for state in after if state not in COUNTED_TWICE}
    total = sum(spent.values())
    if total <= 0:
        return None
    idle = sum(spent.get(state, 0.0) for state in IDLE)
    return 100.0 * (total - idle) / total
