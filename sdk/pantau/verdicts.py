"""What an answer of the api means for the parcel that it was given for."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

MOST_FAILURES = 5
LONGEST_WAIT_SECONDS = 60.0
FIRST_WAIT_SECONDS = 1.0
PLACE = re.compile(r"body(?:\.requests)?\[(\d+)\]")


@dataclass(frozen=True)
class Taken:
    """It is in Pantau."""


@dataclass(frozen=True)
class Again:
    """Send it again; after `seconds` where the api said so. `blamed`: it may be this very parcel that it fails at."""

    reason: str
    seconds: float | None = None
    blamed: bool = False


@dataclass(frozen=True)
class Without:
    """Send the rest: these places of it are refused for good."""

    places: frozenset[int]
    reason: str


@dataclass(frozen=True)
class Halved:
    """Send it in parts."""


@dataclass(frozen=True)
class Refused:
    """It will never be taken."""

    reason: str


Verdict = Taken | Again | Without | Halved | Refused


def verdict(status: int, headers: Mapping[str, str], body: bytes, count: int, failures: int) -> Verdict:
    """Of an answer, `headers` with lower-case names, to a parcel of `count` things that failed `failures` times."""
    if 200 <= status < 300:
        return Taken()
    if status in (401, 403):
        return Again(f"the token may not push ({status})")
    if 300 <= status < 400:
        return Again(f"the address redirects ({status}), which is not followed: set url to where Pantau answers")
    if status in (408, 425, 429, 502, 503, 504):
        return Again(f"answered {status}", _seconds(headers.get("retry-after")))
    if status >= 500:
        if failures + 1 >= MOST_FAILURES:
            return Refused(f"answered {status} {MOST_FAILURES} times")
        return Again(f"answered {status}", blamed=True)
    if status == 413 and count > 1:
        return Halved()
    reason, places = _told(body)
    places = frozenset(place for place in places if place < count)
    if status == 422 and places:
        return Without(places, reason)
    return Refused(f"answered {status}" + (f": {reason}" if reason else ""))


def backoff_seconds(attempt: int, chance: float) -> float:
    """How long to wait after the `attempt`-th failure in a row, from 1; `chance` from 0 to 1 spreads the senders."""
    longest = min(FIRST_WAIT_SECONDS * (1 << min(attempt - 1, 10)), LONGEST_WAIT_SECONDS)
    return longest * (0.5 + chance / 2)


def _seconds(text: str | None) -> float | None:
    if text is None or not text.strip().isdecimal():
        return None
    return min(float(text), LONGEST_WAIT_SECONDS)


def _told(body: bytes) -> tuple[str, frozenset[int]]:
    """What an RFC 9457 problem says: the first reason, and the places that it names."""
    try:
        problem = json.loads(body)
        errors = problem.get("errors") or []
        wheres = [(str(one["where"]), str(one["reason"])) for one in errors]
        detail = str(problem.get("detail", ""))
    except (ValueError, AttributeError, KeyError, TypeError):  # not from our api
        return "", frozenset()
    found = [match for where, _ in wheres if (match := PLACE.match(where))]
    reason = f"{wheres[0][0]}: {wheres[0][1]}" if wheres else detail
    return reason[:300], frozenset(int(match[1]) for match in found if len(match[1]) < 10)
