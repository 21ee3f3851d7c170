"""What a check is. To add one: a file in `checks/`, its settings, its tests."""

from typing import Any, NamedTuple, Protocol

from shared.messages.health import Status


class Finding(NamedTuple):
    """What one run of a check found."""

    status: Status
    details: dict[str, Any]
    """For people; JSON, and nothing secret in it."""


class Check(Protocol):
    """Something that is asked every `interval_seconds` how it is."""

    name: str
    """Unique among the checks, e.g. `database`: the label `service`."""
    kind: str
    """What kind of thing is checked, e.g. `database`, `http`."""
    interval_seconds: float
    deadline_seconds: float
    secrets: frozenset[str]
    """What must not appear in an error's text."""

    async def run(self) -> Finding:
        """Ask once. An exception means unhealthy, with its text. It is cancelled at its deadline; blocking calls go
        through `shared.blocking`."""
        ...
