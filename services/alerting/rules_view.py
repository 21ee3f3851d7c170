"""The rule groups in force, followed on `pantau.rules`, and which of them the router has yet to act on."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from services.alerting.core.inputs import RuleChange
from services.alerting.core.routing import group_reaches
from shared.bus import Received
from shared.messages.rules import RuleGroup
from shared.messages.topics import SAMPLES
from shared.promql.matching import Selector
from shared.rules.dependencies import Wiring, wire

_UNWIRED = Wiring()


@dataclass(frozen=True)
class Rules:
    """All groups at a revision, worked out: what each is told of, and what it selects with how far back it looks."""

    revision: int
    changes: dict[str, RuleChange]
    reaches: dict[str, dict[Selector, int]]


class RulesView:
    """The latest change of each group. `changed` is called whenever there is something new to act on."""

    def __init__(self, lookback_ms: int, changed: Callable[[], None]) -> None:
        self.revision = -1
        """Offset of the last change seen: revisions are offsets, for the topic has one partition."""
        self._lookback_ms = lookback_ms
        self._changed = changed
        self._latest: dict[str, RuleChange] = {}
        self._groups: dict[str, RuleGroup] = {}

    def apply(self, message: Received) -> None:
        """Take in a message of `pantau.rules`."""
        group: RuleGroup | None = message.message
        self._latest[message.key] = RuleChange(
            group=message.key,
            revision=message.offset,
            accepted_ms=message.accepted_ms,
            definition=None if group is None else group.encode(),
        )
        if group is None:
            self._groups.pop(message.key, None)
        else:
            self._groups[message.key] = group
        self.revision = message.offset
        self._changed()

    def work_out(self) -> Callable[[], Rules]:
        """What is in force now, worked out when called: that takes long, and may be done in another thread."""
        revision, latest, groups = self.revision, dict(self._latest), dict(self._groups)
        return lambda: _work_out(revision, latest, groups, self._lookback_ms)


def _work_out(revision: int, latest: dict[str, RuleChange], groups: dict[str, RuleGroup], lookback_ms: int) -> Rules:
    wirings = wire(groups, {name: latest[name].revision for name in groups})
    changes, reaches = {}, {}
    for name, change in sorted(latest.items(), key=lambda one: one[1].revision):
        wiring = wirings.get(name, _UNWIRED)
        group = groups.get(name)
        reaches[name] = {} if group is None or wiring.cycle else group_reaches(group, lookback_ms)
        changes[name] = msgspec.structs.replace(
            change,
            wired=revision,
            reads=list(wiring.reads),
            is_read=wiring.is_read,
            cycle=list(wiring.cycle),
            from_history=max(reaches[name].values(), default=0) > (SAMPLES.retention_ms or 0),
        )
    return Rules(revision, changes, reaches)
