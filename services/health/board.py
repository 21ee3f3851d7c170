"""What was told last of each check."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from shared.messages.health import HealthResult


class Board:
    """The latest results: for those who sum up, and for those who depend on others."""

    def __init__(self) -> None:
        self._latest: dict[str, HealthResult] = {}
        self._told: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def put(self, result: HealthResult) -> None:
        """Take a result that is being told."""
        self._latest[result.check] = result
        self._told[result.check].set()

    def latest(self, check: str) -> HealthResult | None:
        """The last result of `check`; None if there is none yet."""
        return self._latest.get(check)

    def unhealthy(self, checks: Iterable[str], now_ms: int) -> list[str]:
        """Those of `checks` that are unhealthy; one whose result is too old says nothing."""
        return [
            check
            for check in checks
            if (result := self._latest.get(check)) is not None
            and result.status == "unhealthy"
            and now_ms < result.valid_until
        ]

    async def all_told(self, checks: Iterable[str]) -> None:
        """Wait until each of `checks` has been told once."""
        for check in checks:
            await self._told[check].wait()
