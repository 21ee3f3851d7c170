"""What `/api/v1/query` and `/api/v1/query_range` are asked, and Prometheus' words for what is wrong with it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.api.core.prometheus_query import BadParameter
from shared.messages.message import LATEST_INSTANT_MS, instant_from_text
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.promql.query import LOOKBACK_MS, Query, compile_query

PARAMETERS = frozenset(
    {"query", "time", "start", "end", "step", "timeout", "limit", "lookback_delta", "stats", "dedup"}
)
LONGEST_QUERY = 100_000
_WHOLE = re.compile(r"\+?[0-9]{1,10}")


@dataclass(frozen=True)
class Asked:
    """A query. `step_ms` 0: at the one instant that `start_ms` and `end_ms` both are."""

    query: Query
    start_ms: int
    end_ms: int
    step_ms: int
    timeout_seconds: float | None
    limit: int
    """At most so many series; 0: all."""
    lookback_ms: int


def instant_query(parameters: Mapping[str, str], now_ms: int) -> Asked:
    """The query at `time`, else now. BadParameter names what is wrong."""
    at_ms = _instant(parameters, "time", now_ms)
    return _asked(parameters, at_ms, at_ms, 0)


def range_query(parameters: Mapping[str, str], most_points: int) -> Asked:
    """The query from `start` to `end`. BadParameter names what is wrong."""
    start_ms, end_ms = _instant(parameters, "start", None), _instant(parameters, "end", None)
    if end_ms < start_ms:
        raise BadParameter("end", "end timestamp must not be before start time")
    step_ms = _duration(parameters, "step", None)
    if step_ms <= 0:
        reason = "zero or negative query resolution step widths are not accepted. Try a positive integer"
        raise BadParameter("step", reason)
    if (end_ms - start_ms) // step_ms > most_points:
        reason = (
            f"exceeded maximum resolution of {most_points:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
        raise BadParameter("step", reason)
    return _asked(parameters, start_ms, end_ms, step_ms)


def _asked(parameters: Mapping[str, str], start_ms: int, end_ms: int, step_ms: int) -> Asked:
    timeout = _duration(parameters, "timeout", -1)
    lookback = _duration(parameters, "lookback_delta", LOOKBACK_MS)
    if lookback <= 0:
        raise BadParameter("lookback_delta", "must be longer than 0")
    text = parameters.get("query", "")
    if len(text) > LONGEST_QUERY:
        raise BadParameter("query", f"is longer than {LONGEST_QUERY} characters")
    try:
        query = compile_query(text)
    except BadQuery as error:
        raise BadParameter("query", str(error)) from error
    return Asked(
        query=query,
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=step_ms,
        timeout_seconds=None if timeout < 0 else timeout / 1000,
        limit=_limit(parameters.get("limit", "")),
        lookback_ms=lookback,
    )


def _instant(parameters: Mapping[str, str], name: str, default_ms: int | None) -> int:
    """Milliseconds of seconds since the epoch, or of RFC 3339 text."""
    text = parameters.get(name, "")
    if not text and default_ms is not None:
        return default_ms
    try:
        found = round(float(text) * 1000) if _is_number(text) else instant_from_text(text)
    except (ValueError, OverflowError):
        found = -1
    if not 0 <= found <= LATEST_INSTANT_MS:
        raise BadParameter(name, f'cannot parse "{text[:80]}" to a valid timestamp')
    return found


def _duration(parameters: Mapping[str, str], name: str, default_ms: int | None) -> int:
    """Milliseconds of seconds, or of a duration like `5m`."""
    text = parameters.get(name, "")
    if not text and default_ms is not None:
        return default_ms
    try:
        if not _is_number(text):
            return parse_duration(text)
        seconds = float(text)
        if abs(seconds) <= LATEST_INSTANT_MS / 1000:
            # What is not zero does not become it by rounding.
            return round(seconds * 1000) or math.ceil(seconds)
    except BadQuery:
        pass
    raise BadParameter(name, f'cannot parse "{text[:80]}" to a valid duration')


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _limit(text: str) -> int:
    if not text:
        return 0
    if not _WHOLE.fullmatch(text):
        raise BadParameter("limit", f'cannot parse "{text[:80]}" to a limit: it is a whole number from 0 up')
    return int(text)
