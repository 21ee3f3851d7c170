"""When to try again, and when to give up."""

import math
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits double from `first_seconds` to `longest_seconds`; no try begins `give_up_seconds` after the first."""

    first_seconds: float
    longest_seconds: float
    give_up_seconds: float
    longest_asked_seconds: float
    """The longest wait that a receiver's `Retry-After` is followed for."""


def wait_seconds(policy: RetryPolicy, attempt: int, jitter: float, asked_seconds: float | None = None) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1).

    `jitter` in [0, 1) spreads the waits over the upper half of the back-off, so that what failed together does not
    come back together. Never shorter than what the receiver asked for, as far as the policy follows that.
    """
    doubled = policy.first_seconds * 2.0 ** min(attempt - 1, MOST_DOUBLINGS)
    backoff = min(doubled, policy.longest_seconds) * (0.5 + jitter / 2)
    return max(backoff, min(asked_seconds or 0.0, policy.longest_asked_seconds))


def gives_up(policy: RetryPolicy, first_try_ms: int, next_try_ms: int) -> bool:
    """Whether a try at `next_try_ms` would be too late for what was first tried at `first_try_ms`."""
    return next_try_ms - first_try_ms > policy.give_up_seconds * 1000


def asked_wait_seconds(retry_after: str | None, now_ms: int) -> float | None:
    """The wait in an HTTP `Retry-After` (RFC 9110: seconds or a date); None if there is none that can be understood."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # a date that says -0000
        moment = moment.replace(tzinfo=UTC)
    return max(math.ceil(moment.timestamp() - now_ms / 1000), 0.0)
