"""What silences and acknowledgements mean for the alerts that are active."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from services.api.core.alerts import Told
from services.api.core.silence_bodies import SilenceBody, SilenceState, silence_body
from services.api.core.silences import mutes_now, state
from shared.messages.silences import Silence
from shared.routing.matchers import Matcher, all_match
from shared.routing.silencing import applies

# So many comparisons of a silence with an alert are made for one answer; beyond them the counts are left out.
MOST_COMPARISONS = 100_000


def episodes_of(told: Iterable[Told]) -> dict[str, int]:
    """By alert its active episode (ms)."""
    return {one.alert_id: one.episode for one in told}


def bodies(silences: Sequence[Silence], told: Sequence[Told], now_ms: int) -> list[SilenceBody]:
    """Silences as the API shows them, with how many of the active alerts `told` each is about."""
    episodes = episodes_of(told)
    counted = len(silences) * len(told) <= MOST_COMPARISONS
    return [_body(one, told, episodes, now_ms, counted=counted) for one in silences]


def bodies_in(
    silences: Sequence[Silence], told: Sequence[Told], now_ms: int, states: Collection[SilenceState], limit: int
) -> list[SilenceBody]:
    """The first of those that are in one of these states; none given: in any."""
    episodes = episodes_of(told)
    wanted = [one for one in silences if not states or state(one, episodes, now_ms) in states]
    return bodies(wanted[:limit], told, now_ms)


def matching_alerts(matchers: Sequence[Matcher], told: Iterable[Told]) -> list[Told]:
    """The alerts that all matchers match."""
    return [one for one in told if all_match(matchers, one.labels)]


def _body(
    silence: Silence, told: Sequence[Told], episodes: Mapping[str, int], now_ms: int, *, counted: bool
) -> SilenceBody:
    matches = sum(applies(silence, one.labels, one.alert_id, one.episode) for one in told) if counted else None
    return silence_body(silence, state(silence, episodes, now_ms), mutes_now(silence, episodes, now_ms), matches)
