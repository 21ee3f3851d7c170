"""Flap damping: how often a check must find the same before it is told."""

from typing import NamedTuple

from shared.messages.health import STATUSES, Status


class Damping(NamedTuple):
    """How many runs in a row a change needs."""

    failures: int = 1
    """To tell something worse."""
    successes: int = 1
    """To tell something better."""


class Damped(NamedTuple):
    """A check's state: what is told of it, and the runs that may change that."""

    status: Status
    """What is told."""
    found: tuple[Status, ...]
    """The last findings, the newest last; as many as could count."""
    status_changes: int = 0
    """How often what is told has changed."""
    found_changes: int = 0
    """How often what was found has changed."""


def damped(before: Damped | None, found: Status, damping: Damping) -> Damped:
    """The state after a run that found `found`; `before` is None at the first, which is believed as it is (it has been
    confirmed): nothing else is known, and to call it healthy would end alerts that are true.

    What is told gets as bad as the mildest of the last `failures` findings and as good as the worst of the last
    `successes`: with three of each, one that alternates between degraded and unhealthy is degraded, not healthy.
    """
    if before is None:
        return Damped(found, (found,))
    recent = (*before.found, found)[-max(damping) :]
    # While there are fewer findings than that, what is told is among them, so they change nothing by themselves.
    mildest = min(recent[-damping.failures :], key=STATUSES.index)
    worst = max(recent[-damping.successes :], key=STATUSES.index)
    status = min(max(before.status, mildest, key=STATUSES.index), worst, key=STATUSES.index)
    return Damped(
        status,
        recent,
        before.status_changes + (status != before.status),
        before.found_changes + (found != before.found[-1]),
    )
