"""Alerts and silences as Alertmanager's API v2 tells them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.api.core.alertmanager_bodies import (
    AlertGroupV2,
    AlertStatusV2,
    GettableAlert,
    GettableSilence,
    MatcherV2,
    ReceiverV2,
)
from services.api.core.alerts import Told
from shared.messages.alerts import episode_id
from shared.messages.message import LATEST_INSTANT_MS, instant_to_text
from shared.messages.silences import Matcher, Silence
from shared.routing.configuration import Routing
from shared.routing.errors import BadMatcher
from shared.routing.inhibition import Inhibition
from shared.routing.matcher_text import parse_matchers
from shared.routing.matchers import Matcher as LabelMatcher
from shared.routing.matchers import Operator, all_match
from shared.routing.silencing import applies, is_muting, status
from shared.routing.tree import group_labels, matching

# What fires ends so much later, if nobody says anything more of it: Alertmanager's resolve_timeout.
RESOLVE_TIMEOUT_MS = 300_000
_ORDER = {"active": 0, "pending": 1, "expired": 2}
_SIGNS: dict[tuple[bool, bool], Operator] = {
    (True, False): "=",
    (False, False): "!=",
    (True, True): "=~",
    (False, True): "!~",
}


class BadFilter(ValueError):
    """A parameter that Alertmanager refuses, too. The text is what it would answer."""


@dataclass(frozen=True)
class Wanted:
    """Which alerts are wanted."""

    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True
    filters: tuple[LabelMatcher, ...] = ()
    receiver: str | None = None
    """A regular expression of the whole name."""

    def takes_receiver(self, name: str) -> bool:
        """Whether this receiver is wanted. BadFilter if the expression can't be read."""
        try:
            return self.receiver is None or LabelMatcher("receiver", "=~", self.receiver).matches(name)
        except BadMatcher as error:
            raise BadFilter(f"failed to parse receiver param: {error}") from error

    def takes(self, found: AlertStatusV2) -> bool:
        """Whether alerts in this state are wanted."""
        if not self.silenced and found["silencedBy"]:
            return False
        if not self.inhibited and found["inhibitedBy"]:
            return False
        return self.active or found["state"] != "active"


@dataclass(frozen=True)
class Known:
    """What is known now."""

    told: Sequence[Told]
    silences: Sequence[Silence]
    routing: Routing
    external_url: str
    now_ms: int


def filters_of(texts: Iterable[str]) -> tuple[LabelMatcher, ...]:
    """The matchers of `filter` parameters. BadFilter."""
    try:
        return tuple(one for text in texts for one in parse_matchers(text))
    except BadMatcher as error:
        raise BadFilter(f"bad matcher format: {error}") from error


def find_alerts(known: Known, wanted: Wanted) -> list[GettableAlert]:
    """The alerts that fire and are wanted, by fingerprint."""
    found = []
    for one, shown in _shown(known, wanted):
        receivers = list(dict.fromkeys(route.receiver for route in matching(known.routing.root, one.labels)))
        if any(wanted.takes_receiver(name) for name in receivers):
            shown["receivers"] = [ReceiverV2(name=name) for name in receivers]
            found.append(shown)
    return sorted(found, key=lambda one: one["fingerprint"])


def find_groups(known: Known, wanted: Wanted) -> list[AlertGroupV2]:
    """The wanted alerts as receivers are told of them, by the groups' labels, then receiver."""
    groups: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[GettableAlert]] = {}
    for one, shown in _shown(known, wanted):
        routes = matching(known.routing.root, one.labels)
        shown["receivers"] = [ReceiverV2(name=name) for name in dict.fromkeys(route.receiver for route in routes)]
        for route in routes:
            if wanted.takes_receiver(route.receiver):
                labels = tuple(group_labels(route, one.labels).items())
                groups.setdefault((route.id, route.receiver, labels), []).append(shown)
    made = [
        AlertGroupV2(
            labels=dict(labels),
            receiver=ReceiverV2(name=receiver),
            alerts=sorted(alerts, key=lambda one: (one["startsAt"], one["fingerprint"])),
        )
        for (_, receiver, labels), alerts in groups.items()
    ]
    return sorted(made, key=lambda one: (sorted(one["labels"].items()), one["receiver"]["name"]))


def find_silences(silences: Iterable[Silence], filters: Sequence[LabelMatcher], now_ms: int) -> list[GettableSilence]:
    """The silences whose matchers are such, as Alertmanager filters them: those that hold first, then by their end."""
    found = [one for one in silences if one.kind == "silence" and _has(one, filters)]
    found.sort(key=lambda one: (_ORDER[status(one, now_ms)], one.ends_at, one.id))
    return [silence_v2(one, now_ms) for one in found]


def silence_v2(silence: Silence, now_ms: int) -> GettableSilence:
    """A silence as Alertmanager tells it; one with windows is active between them too, and its comment says so."""
    windows = " (within its windows only)" if silence.windows else ""
    return GettableSilence(
        id=silence.id,
        status={"state": status(silence, now_ms)},
        updatedAt=instant_to_text(silence.created_at if silence.updated_at is None else silence.updated_at),
        comment=silence.comment + windows,
        createdBy=silence.created_by,
        startsAt=instant_to_text(silence.starts_at),
        endsAt=instant_to_text(silence.ends_at),
        matchers=[_matcher_v2(one) for one in silence.matchers],
    )


def matcher_of(given: MatcherV2) -> Matcher:
    """The matcher that was sent."""
    return Matcher(
        name=given["name"], value=given["value"], operator=_SIGNS[given.get("isEqual", True), given["isRegex"]]
    )


def _shown(known: Known, wanted: Wanted) -> Iterable[tuple[Told, GettableAlert]]:
    firing = [one for one in known.told if one.state == "firing"]
    fingerprints = {one.alert_id: one.fingerprint for one in firing}
    inhibition = Inhibition(known.routing.inhibit_rules, [(one.alert_id, one.labels) for one in firing])
    muting = [one for one in known.silences if one.kind == "silence" and is_muting(one, known.now_ms)]
    for one in firing:
        if not all_match(wanted.filters, one.labels):
            continue
        silenced = sorted(by.id for by in muting if applies(by, one.labels, one.alert_id, one.episode))
        source = inhibition.by(one.labels)
        inhibited = [] if source is None else [fingerprints[source]]
        state: Literal["active", "suppressed"] = "suppressed" if silenced or inhibited else "active"
        found = AlertStatusV2(state=state, silencedBy=silenced, inhibitedBy=inhibited, mutedBy=[])
        if wanted.takes(found):
            yield one, _alert_v2(one, found, known)


def _alert_v2(one: Told, found: AlertStatusV2, known: Known) -> GettableAlert:
    started = one.episode if one.fired_at is None else one.fired_at
    ends_ms = min(known.now_ms + RESOLVE_TIMEOUT_MS, LATEST_INSTANT_MS)
    return GettableAlert(
        annotations=one.annotations,
        receivers=[],
        fingerprint=one.fingerprint,
        startsAt=instant_to_text(started),
        updatedAt=instant_to_text(known.now_ms),
        endsAt=instant_to_text(ends_ms),
        status=found,
        labels=one.labels,
        generatorURL=f"{known.external_url}/alerts/{episode_id(one.alert_id, one.episode)}",
    )


def _matcher_v2(one: Matcher) -> MatcherV2:
    return MatcherV2(
        name=one.name, value=one.value, isRegex=one.operator in ("=~", "!~"), isEqual=one.operator in ("=", "=~")
    )


def _has(silence: Silence, filters: Sequence[LabelMatcher]) -> bool:
    """Alertmanager's rule: what the silence's matchers compare with counts as if it were labels."""
    labels = {one.name: one.value for one in silence.matchers}
    return all_match(filters, labels)
