"""The rule groups in force, followed on `pantau.rules`, and which of them the router has yet to act on."""

from collections.abc import Callable

from services.alerting.core.inputs import RuleChange
from services.alerting.core.routing import selectors_of
from shared.bus import Received
from shared.messages.rules import RuleGroup
from shared.promql.matching import Selector


class RulesView:
    """The latest change of each group. `changed` is called whenever there is something new to act on."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.latest: dict[str, RuleChange] = {}
        self.selectors: dict[str, frozenset[Selector]] = {}
        self.revision = -1
        """Offset of the last change seen: revisions are offsets, for the topic has one partition."""
        self._changed = changed

    def apply(self, message: Received) -> None:
        """Take in a message of `pantau.rules`."""
        group: RuleGroup | None = message.message
        self.latest[message.key] = RuleChange(
            group=message.key,
            revision=message.offset,
            accepted_ms=message.accepted_ms,
            definition=None if group is None else group.encode(),
        )
        self.selectors[message.key] = frozenset() if group is None else selectors_of(group)
        self.revision = message.offset
        self._changed()

    def since(self, revision: int) -> list[RuleChange]:
        """The changes above `revision`, oldest first."""
        return sorted(
            (change for change in self.latest.values() if change.revision > revision), key=lambda one: one.revision
        )
