"""The sum of a kind: as bad as the worst of its checks."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from services.health.board import Board
from services.health.check import Check, Finding
from services.health.core.results import worse
from shared.messages.health import Status

# Names in the details; how many there are is told beside them.
MOST_NAMED = 20
# Of the deadline: how long the first results are waited for.
PATIENCE = 0.8


class WorstOf:
    """Asks nobody: it sums up what is told of the checks of its kind, after their damping."""

    secrets: frozenset[str] = frozenset()

    def __init__(self, kind: str, members: Sequence[Check], board: Board) -> None:
        self.name = self.kind = kind
        self.interval_seconds = self.deadline_seconds = min(member.interval_seconds for member in members)
        self.members = tuple(member.name for member in members)
        self._board = board

    async def run(self) -> Finding:
        """The worst of what was told last. At the start it waits a while for the first result of each."""
        try:
            async with asyncio.timeout(PATIENCE * self.deadline_seconds):
                await self._board.all_told(self.members)
        except TimeoutError:
            pass  # what is known by now is summed up; the details say how much is not
        status: Status = "healthy"
        told = {name: result for name in self.members if (result := self._board.latest(name)) is not None}
        for result in told.values():
            status = worse(status, result.status)
        counts = Counter(result.status for result in told.values())
        bad = [name.removeprefix(f"{self.kind}:") for name, result in told.items() if result.status != "healthy"]
        details = {"targets": len(self.members), "degraded": counts["degraded"], "unhealthy": counts["unhealthy"]}
        missing = len(self.members) - len(told)
        waiting = {"not_run_yet": missing} if missing else {}
        return Finding(status, details | {"not_healthy": bad[:MOST_NAMED]} | waiting)


def worst_of_kinds(checks: Sequence[Check], board: Board) -> list[Check]:
    """One sum for each kind that has several checks, unless one of them bears the kind's own name."""
    of_kind: dict[str, list[Check]] = {}
    for check in checks:
        of_kind.setdefault(check.kind, []).append(check)
    return [
        WorstOf(kind, members, board)
        for kind, members in of_kind.items()
        if len(members) > 1 and all(member.name != kind for member in members)
    ]
