"""The alert state machine: what becomes of a rule's alerts at one evaluation instant.

    inactive -> pending -> firing -> resolved        (pending only where the rule has a `for`)
                pending -> inactive

Pure: alerts, the rule's result and the instant in; changed alerts and transitions out. As Prometheus has it, but that
nothing is concluded from what is not known: `concluded` names the alerts of which "not in the result" means "over",
and the time that was dark counts for no timer.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from shared.messages.alerts import State


class Alert(msgspec.Struct, frozen=True):
    """One active alert: the current episode of (group, rule, labels). Instants are ms since the epoch."""

    id: str
    labels: dict[str, str]
    state: Literal["pending", "firing"]
    episode_ms: int
    """The instant at which the episode began: its name."""
    transition: int
    """Transitions in the episode so far."""
    since_ms: int
    """When it entered its state."""
    evaluated_ms: int
    """The last instant that counted for it."""
    value: float
    dark_ms: int
    """The group's dark time when the episode began."""
    series: tuple[str, ...] = ()
    """Keys of the series that decided last."""
    fired_ms: int | None = None
    held_since_ms: int | None = None
    """Since when it only fires because of `keep_firing_for`."""
    held_dark_ms: int = 0
    """The group's dark time then."""


class Element(NamedTuple):
    """One element of a rule's result, as the alert that it stands for."""

    labels: dict[str, str]
    value: float
    series: tuple[str, ...] = ()
    """Keys of the series that it came from."""


class Transition(NamedTuple):
    """A step of one alert, as it stands afterwards; where it is over, with its last transition counted."""

    alert: Alert
    state: State
    previous: State


@dataclass(frozen=True)
class Timers:
    """What a rule asks for, in ms."""

    for_ms: int = 0
    keep_firing_for_ms: int = 0


@dataclass(frozen=True)
class Step:
    """What one evaluation changes: alerts by id (None: over), and the transitions in the order of the ids."""

    alerts: dict[str, Alert | None] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)


def step(
    timers: Timers,
    alerts: Mapping[str, Alert],
    active: Mapping[str, Element],
    concluded: Collection[str] | None,
    instant_ms: int,
    dark_ms: int,
    ended: Mapping[str, int] = {},
) -> Step:
    """One evaluation at `instant_ms` of a rule whose result is `active`, by alert id.

    `concluded`: the alerts that are over unless active; None stands for all. `dark_ms`: the group's dark time so far.
    `ended`: the last instants of alerts that are over; an episode begins only after them.
    An alert for which this or a later instant already counted is left alone.
    """
    over = alerts.keys() if concluded is None else alerts.keys() & set(concluded)
    result = Step()
    for key in sorted({*active, *over}):
        alert = alerts.get(key)
        if alert is not None and alert.evaluated_ms >= instant_ms:
            continue
        element = active.get(key)
        if element is not None and (alert is not None or instant_ms > ended.get(key, instant_ms - 1)):
            _present(result, timers, key, alert, element, instant_ms, dark_ms)
        elif alert is not None:
            _absent(result, timers, alert, instant_ms, dark_ms)
    return result


def end(alerts: Mapping[str, Alert], instant_ms: int) -> Step:
    """All alerts are over because their rule is gone."""
    result = Step()
    for key in sorted(alerts):
        _close(result, alerts[key], max(instant_ms, alerts[key].evaluated_ms + 1))
    return result


def _present(
    result: Step, timers: Timers, key: str, alert: Alert | None, element: Element, instant_ms: int, dark_ms: int
) -> None:
    if alert is None:
        fires = timers.for_ms == 0
        begun = Alert(
            id=key,
            labels=element.labels,
            state="firing" if fires else "pending",
            episode_ms=instant_ms,
            transition=1,
            since_ms=instant_ms,
            evaluated_ms=instant_ms,
            value=element.value,
            dark_ms=dark_ms,
            series=element.series,
            fired_ms=instant_ms if fires else None,
        )
        result.alerts[key] = begun
        result.transitions.append(Transition(begun, begun.state, "inactive"))
        return
    waited = instant_ms - alert.episode_ms - (dark_ms - alert.dark_ms)
    if alert.state == "pending" and waited >= timers.for_ms:
        fired = msgspec.structs.replace(
            alert,
            state="firing",
            transition=alert.transition + 1,
            since_ms=instant_ms,
            fired_ms=instant_ms,
            evaluated_ms=instant_ms,
            value=element.value,
            series=element.series,
        )
        result.alerts[key] = fired
        result.transitions.append(Transition(fired, "firing", "pending"))
    else:
        result.alerts[key] = msgspec.structs.replace(
            alert,
            evaluated_ms=instant_ms,
            value=element.value,
            series=element.series,
            held_since_ms=None,
            held_dark_ms=0,
        )


def _absent(result: Step, timers: Timers, alert: Alert, instant_ms: int, dark_ms: int) -> None:
    if alert.state == "firing" and timers.keep_firing_for_ms > 0:
        if alert.held_since_ms is None:
            alert = msgspec.structs.replace(alert, held_since_ms=instant_ms, held_dark_ms=dark_ms)
        held = instant_ms - (alert.held_since_ms or 0) - (dark_ms - alert.held_dark_ms)
        if held < timers.keep_firing_for_ms:
            result.alerts[alert.id] = msgspec.structs.replace(alert, evaluated_ms=instant_ms)
            return
    _close(result, alert, instant_ms)


def _close(result: Step, alert: Alert, instant_ms: int) -> None:
    closed = msgspec.structs.replace(
        alert, transition=alert.transition + 1, since_ms=instant_ms, evaluated_ms=instant_ms
    )
    result.alerts[alert.id] = None
    result.transitions.append(Transition(closed, "resolved" if alert.state == "firing" else "inactive", alert.state))
