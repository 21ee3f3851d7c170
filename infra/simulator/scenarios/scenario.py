"""What a scenario is. To add one: a file beside this with `SCENARIO`; it is found by being there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import Event


class Step(NamedTuple):
    """An event, with the words for whoever watches."""

    at_seconds: float
    """From the beginning of the scenario."""
    event: Event
    told: str


class Expected(NamedTuple):
    """An alert that the default rules are to raise, and who it is about."""

    rule: str
    labels: Mapping[str, str] = {}
    """Labels that the alert has, among others."""


@dataclass(frozen=True)
class Timeline:
    """What happens to one provider, and what the default rules make of it: these alerts and no others."""

    steps: tuple[Step, ...] = ()
    alerts: tuple[Expected, ...] = field(default=())


@dataclass(frozen=True)
class Scenario:
    """An incident to practise on."""

    name: str
    summary: str
    minutes: int
    """After so long all is as before, and what was raised is resolved."""
    timeline: Callable[[Provider], Timeline]
    """For a provider with at least one router."""
