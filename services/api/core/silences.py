"""The silences and acknowledgements that are known, and what becomes of a request to make or change one."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from services.api.core.silence_bodies import SilenceState
from shared.messages.silences import Matcher, Silence
from shared.routing.silencing import is_muting, status

MOST_FORGOTTEN = 10_000
MOST_MATCHERS = 64


class Silences:
    """Those on the bus, each as of its last message there; what this api itself sent counts from its acknowledgement.

    Both ways name the message's offset: whichever comes second changes nothing, and nobody sees an older word again.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Silence]] = {}
        self._forgotten: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def put(self, id: str, silence: Silence | None, offset: int) -> None:
        """Take a message of `pantau.silences`; None is a tombstone."""
        held = self._known.get(id)
        if offset <= max(held[0] if held else -1, self._forgotten.get(id, -1)):
            return
        if silence is not None:
            self._known[id] = (offset, silence)
            self._forgotten.pop(id, None)
            return
        self._known.pop(id, None)
        self._forgotten[id] = offset
        self._forgotten.move_to_end(id)
        while len(self._forgotten) > MOST_FORGOTTEN:
            self._forgotten.popitem(last=False)

    def get(self, id: str) -> Silence | None:
        """The silence with this id."""
        held = self._known.get(id)
        return held[1] if held else None

    def all(self) -> list[Silence]:
        """All of them, the newest first."""
        return sorted((one for _, one in self._known.values()), key=lambda one: (-one.created_at, one.id))

    def some(self, ids: Iterable[str]) -> list[Silence]:
        """Those with these ids that there are."""
        return [self._known[id][1] for id in ids if id in self._known]

    def unended(self, now_ms: int) -> int:
        """How many have not reached their end."""
        return sum(one.ends_at > now_ms for _, one in self._known.values())

    def acknowledgements(self, alert: str, episode_ms: int, now_ms: int) -> list[Silence]:
        """Those of an alert's episode that hold now."""
        return [
            one
            for _, one in self._known.values()
            if one.kind == "acknowledgement"
            and one.alert_id == alert
            and one.episode in (None, episode_ms)
            and one.starts_at <= now_ms < one.ends_at
        ]

    def over_since(self, before_ms: int) -> list[str]:
        """The ids of those that ended before an instant."""
        return [id for id, (_, one) in self._known.items() if one.ends_at < before_ms]


def state(silence: Silence, episodes: Mapping[str, int], now_ms: int) -> SilenceState:
    """Active, pending or expired. `episodes`: of each active alert its own; an acknowledgement ends with it."""
    if silence.kind == "acknowledgement" and silence.alert_id is not None:
        episode = episodes.get(silence.alert_id)
        if episode is None or silence.episode not in (None, episode):
            return "expired"
    return status(silence, now_ms)


def mutes_now(silence: Silence, episodes: Mapping[str, int], now_ms: int) -> bool:
    """Whether it is active, and within its windows."""
    return state(silence, episodes, now_ms) == "active" and is_muting(silence, now_ms)


def exact_matchers(labels: Mapping[str, str]) -> list[Matcher]:
    """Matchers of what has all these labels, `alertname` first."""
    names = sorted(labels, key=lambda name: (name != "alertname", name))[:MOST_MATCHERS]
    return [Matcher(name=name, value=labels[name]) for name in names]
