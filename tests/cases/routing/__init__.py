"""Route trees as data: a configuration, alerts at offsets, and the notifications that must come of them.

Each file says: `configuration` (an alertmanager.yml whose receivers are webhooks below http://receiver.invalid),
`alerts` by name, `events` at seconds (`fire`, `resolve`; `began`: so many seconds ago), `silences`, and `expected`:
at which second which receiver is told what. `number` is that of the webhook in its receiver, `route` the matchers on
the way to the route; `alertmanager` is there where Alertmanager tells something else. Events are at least half a second
away from when a group is looked at.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from shared.routing.quoting import quoted

FOLDER = Path(__file__).parent
_NUMBERED = re.compile(r"(?<=\})#\d+(?=[/:])")
WEBHOOKS = "http://receiver.invalid/"


@dataclass(frozen=True, order=True)
class Told:
    """One notification, as far as two systems can be compared by it."""

    receiver: str
    number: int
    group_key: str
    firing: tuple[str, ...]
    """Names of alerts, in order."""
    resolved: tuple[str, ...]

    @property
    def lane(self) -> tuple[str, int, str]:
        """Within it, notifications have an order."""
        return self.receiver, self.number, self.group_key


@dataclass(frozen=True)
class Event:
    """Alerts begin or end."""

    at_ms: int
    fire: tuple[str, ...]
    resolve: tuple[str, ...]
    began_ms: int
    """When those that fire began."""


@dataclass(frozen=True)
class CaseSilence:
    """A silence; its times are those of the case."""

    matchers: Sequence[Mapping[str, str]]
    starts_ms: int
    ends_ms: int


@dataclass(frozen=True)
class Case:
    """One file."""

    name: str
    document: Mapping[str, Any]

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The alertmanager.yml."""
        found: Mapping[str, Any] = self.document["configuration"]
        return found

    @property
    def alerts(self) -> Mapping[str, Mapping[str, str]]:
        """Labels by name."""
        found: Mapping[str, Mapping[str, str]] = self.document["alerts"]
        return found

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """In the order of time."""
        return tuple(
            Event(
                _ms(one["at"]),
                tuple(one.get("fire", ())),
                tuple(one.get("resolve", ())),
                _ms(one.get("began", one["at"])),
            )
            for one in self.document["events"]
        )

    @cached_property
    def silences(self) -> tuple[CaseSilence, ...]:
        """All are known from the beginning on."""
        return tuple(
            CaseSilence(one["matchers"], _ms(one.get("starts", 0)), _ms(one["ends"]))
            for one in self.document.get("silences", ())
        )

    @cached_property
    def expected(self) -> tuple[tuple[int, Told], ...]:
        """What is told when (ms)."""
        return _all_told(self.document["expected"])

    @cached_property
    def of_alertmanager(self) -> "Case":
        """The same with what Alertmanager tells."""
        document = {**self.document, "expected": self.document.get("alertmanager", self.document["expected"])}
        return Case(self.name, document)

    @cached_property
    def ends_ms(self) -> int:
        """When everything that is expected has been told, and what comes after that is not looked at."""
        return _ms(self.document.get("until", max(one["at"] for one in self.document["expected"]) + 1))

    @property
    def repeats(self) -> bool:
        """Whether more would be told later, for as long as something fires."""
        return "repeat_interval" in self.configuration["route"]

    def named(self, labels: Mapping[str, str]) -> str:
        """The name of the alert with these labels."""
        return next(name for name, known in self.alerts.items() if known == labels)


def cases() -> list[Case]:
    """All of them, by name."""
    return [Case(path.stem, yaml.safe_load(path.read_text())) for path in sorted(FOLDER.glob("*.yaml"))]


def alertmanagers_key(group_key: str) -> str:
    """The key of a group without what tells siblings with the same matchers apart."""
    return _NUMBERED.sub("", group_key)


def _all_told(entries: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, Told], ...]:
    return tuple((_ms(one["at"]), _told(one)) for one in entries)


def _told(one: Mapping[str, Any]) -> Told:
    labels = ", ".join(sorted(f"{name}={quoted(value)}" for name, value in one.get("group", {}).items()))
    route = f"{{}}/{one['route']}" if "route" in one else "{}"
    return Told(
        one["receiver"],
        one.get("number", 0),
        f"{route}:{{{labels}}}",
        tuple(sorted(one.get("firing", ()))),
        tuple(sorted(one.get("resolved", ()))),
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
