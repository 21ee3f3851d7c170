"""Silences and acknowledgements: which of them hold, and for which alerts."""

from collections.abc import Iterable, Mapping
from typing import Literal

from shared.messages.silences import Silence, Window
from shared.routing.interval_reading import RANGES, span
from shared.routing.intervals import Span, TimeInterval, is_in, next_change_ms
from shared.routing.matchers import Matcher, all_match

Status = Literal["pending", "active", "expired"]


def status(silence: Silence, now_ms: int) -> Status:
    """Whether it is still to begin, holds, or is over; what recurs is active between its windows too."""
    if now_ms < silence.starts_at:
        return "pending"
    return "active" if now_ms < silence.ends_at else "expired"


def is_muting(silence: Silence, now_ms: int) -> bool:
    """Whether it mutes just now: it is active, and in one of its windows if it has some. BadInterval or BadMatcher if
    it holds what can't be read."""
    if status(silence, now_ms) != "active":
        return False
    return not silence.windows or is_in(windows(silence), now_ms)


def applies(silence: Silence, labels: Mapping[str, str], alert_id: str, episode: int | None) -> bool:
    """Whether it is about the alert, whenever it holds: a silence by its matchers, an acknowledgement by alert and
    episode (ms; None: any)."""
    if silence.kind == "acknowledgement":
        return silence.alert_id == alert_id and (silence.episode is None or episode in (None, silence.episode))
    return all_match((Matcher(one.name, one.operator, one.value) for one in silence.matchers), labels)


def silenced_by(
    silences: Iterable[Silence], labels: Mapping[str, str], alert_id: str, episode: int | None, now_ms: int
) -> list[str]:
    """What mutes the alert, as the ledger writes it: `silence:ID` and `acknowledgement:ID`."""
    return [
        f"{one.kind}:{one.id}"
        for one in silences
        if status(one, now_ms) == "active" and applies(one, labels, alert_id, episode) and is_muting(one, now_ms)
    ]


def next_status_change_ms(silence: Silence, now_ms: int) -> int | None:
    """The first instant (ms) after `now_ms` at which it may begin or stop to mute; None if it is over."""
    if status(silence, now_ms) != "active":
        return silence.starts_at if now_ms < silence.starts_at else None
    change = next_change_ms(windows(silence), now_ms) if silence.windows else None
    return silence.ends_at if change is None else min(change, silence.ends_at)


def windows(silence: Silence) -> TimeInterval:
    """The times at which it recurs. BadInterval if they can't be read."""
    return TimeInterval(silence.id, tuple(map(_span, silence.windows)))


def _span(window: Window) -> Span:
    times = None if window.times is None else [(one.start_time, one.end_time) for one in window.times]
    ranges = {key: texts for key in RANGES if (texts := getattr(window, key)) is not None}
    return span(times, window.location, ranges)
