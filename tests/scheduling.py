"""Which tests run where and when, if several processes share them.

The tests of a file share their servers, and all of e2e share one running product: those stay together. What takes long
is begun first, so that all processes end at about the same time.
"""

import pytest
from xdist.scheduler import LoadFileScheduling

STACK = "tests/e2e/"
# What is not named comes last: tests of milliseconds, by which the processes are evened out.
FIRST = (STACK, "tests/integration/", "tests/timescale/")


class ByServers(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Files as wholes, and the tests of the whole product as one, in their order."""

    def schedule(self) -> None:
        """As it is, but how many tests a file has says nothing of how long they take."""
        self.config.option.loadscopereorder = False
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return STACK if nodeid.startswith(STACK) else str(super()._split_scope(nodeid))


def long_ones_first(items: list[pytest.Item]) -> None:
    """Sort by how long tests of their kind take."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((place for place, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))
