"""How the evaluation of the groups of a partition goes, told on `pantau.rules.status`."""

from typing import NamedTuple

import structlog

from services.alerting.core.fold import Fold
from services.alerting.core.group import GroupAtWork
from services.alerting.sending import until_sent
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.rules import GroupStatus, RuleProblem
from shared.messages.topics import RULES_STATUS

log = structlog.get_logger()

# A group without news is told of that often.
TOLD_AGAIN_MS = 30_000
MOST_PROBLEMS = 100


class Cost(NamedTuple):
    """What an instant of a group takes of a processor: all of its rules, and the longest of them."""

    seconds: float
    longest_seconds: float


_NOTHING = Cost(0.0, 0.0)


class Reporter:
    """Tells of changes at once, and of everything every half minute."""

    def __init__(self, producer: Producer, worker: str) -> None:
        self._producer, self._worker = producer, worker
        self._told: dict[str, GroupStatus] = {}
        self.costs: dict[str, Cost] = {}
        """By group, what its last evaluation cost."""

    def adopt(self, fold: Fold) -> None:
        """Another worker may have told of these groups."""
        for name, group in fold.groups.items():
            self._told[name] = self._status(group, 0)

    async def report(self, fold: Fold) -> None:
        """Tell what is new."""
        now_ms = clock.now_ms()
        outgoing = []
        for name, group in fold.groups.items():
            status = self._status(group, now_ms)
            before = self._told.get(name)
            if before is None or _is_news(before, status) or now_ms - before.told_at >= TOLD_AGAIN_MS:
                outgoing.append(Outgoing(RULES_STATUS, name, status))
                self._say(before, status)
                self._told[name] = status
        for name in self._told.keys() - fold.groups.keys():
            del self._told[name]
            self.costs.pop(name, None)
            outgoing.append(Outgoing(RULES_STATUS, name, None))
        if outgoing:
            await until_sent(lambda: self._producer.send_all(outgoing))

    def _status(self, group: GroupAtWork, now_ms: int) -> GroupStatus:
        reasons = group.failing | group.problems
        problems = [
            RuleProblem(place=place, rule=group.definition.rules[place].name, reason=reason)
            for place, reason in sorted(reasons.items())
        ]
        alerts = [alert for rule in group.state.rules for alert in rule.alerts.values()]
        refusal = group.refusal
        waits = "history fills the time before the bus's oldest messages" if group.waits_for_history else None
        return GroupStatus(
            group=group.name,
            version=group.definition.version,
            state="refused" if refusal else "active" if group.filled else "filling",
            reason=refusal or (None if group.filled else waits),
            problems=problems[:MOST_PROBLEMS],
            problem_count=len(problems),
            reads=group.change.reads,
            last_instant=group.last_tick_ms if group.filled else None,
            evaluation_seconds=self.costs.get(group.name, _NOTHING).seconds,
            pending=sum(alert.state == "pending" for alert in alerts),
            firing=sum(alert.state == "firing" for alert in alerts),
            series=group.series,
            unknown_instants=group.unknown_instants,
            late_samples=group.late_samples,
            told_at=now_ms,
            worker=self._worker,
        )

    def _say(self, before: GroupStatus | None, now: GroupStatus) -> None:
        if now.state == "refused" and (before is None or before.reason != now.reason):
            log.warning("rule group is refused", group=now.group, reason=now.reason)


def _is_news(before: GroupStatus, now: GroupStatus) -> bool:
    def told(status: GroupStatus) -> tuple[object, ...]:
        return status.version, status.state, status.reason, status.problems, status.reads, status.pending, status.firing

    return told(before) != told(now)
