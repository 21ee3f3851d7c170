"""Which health checks an alert depends on, and how they are: from the dependencies that results carry."""

from collections.abc import Iterator

from shared.messages.health import HealthResult
from shared.routing.dependencies import Dependencies, Labels

MOST_CHECKS = 50_000


class CheckParents:
    """The latest result of each check, and when those that were down came back."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._terms = dependencies
        self._results: dict[str, HealthResult] = {}
        self._recovered_ms: dict[str, int] = {}
        self.version = 0
        """Rises whenever a check is other than before."""

    def knows(self, check: str) -> bool:
        """Whether there is a check of that name."""
        return check in self._results

    def put(self, result: HealthResult) -> None:
        """Take a result; an older one than is known changes nothing."""
        before = self._results.pop(result.check, None)
        if before is not None and before.checked_at > result.checked_at:
            result = before
        elif result.status == "unhealthy":
            self._recovered_ms.pop(result.check, None)
        elif before is not None and before.status == "unhealthy":
            self._recovered_ms[result.check] = result.checked_at
        self._results[result.check] = result
        if before is None or _state(before) != _state(result):
            self.version += 1
        if len(self._results) > MOST_CHECKS:
            gone = next(iter(self._results))  # whose last result is the longest ago
            del self._results[gone]
            self._recovered_ms.pop(gone, None)

    def of(self, labels: Labels, troubled_ms: int, begins_ms: int, now_ms: int) -> str | None:
        """Why an alert is held back: `dependency:CHECK` while that is down, or came back just now; `suspected:CHECK`
        while it may be. `troubled_ms`: since when its rule has had something to say; `begins_ms`: when it fired."""
        parents = list(self._parents(labels))
        for parent in parents:
            if self._is_down(parent, now_ms):
                return f"dependency:{parent}"
        if now_ms < begins_ms + self._terms.wait_ms:
            for parent in parents:
                if self._is_suspected(parent, troubled_ms, now_ms):
                    return f"suspected:{parent}"
        return None

    def _is_down(self, check: str, now_ms: int) -> bool:
        recovered_ms = self._recovered_ms.get(check)
        if recovered_ms is not None:
            return now_ms < recovered_ms + self._terms.grace_ms
        return self._results[check].status == "unhealthy" and self._is_known(check, now_ms)

    def _is_suspected(self, check: str, troubled_ms: int, now_ms: int) -> bool:
        """A bad finding that is yet to be confirmed, or nothing that is newer than the trouble."""
        result = self._results[check]
        return self._is_known(check, now_ms) and (result.found == "unhealthy" or result.checked_at < troubled_ms)

    def _is_known(self, check: str, now_ms: int) -> bool:
        return now_ms <= self._results[check].valid_until

    def _parents(self, labels: Labels) -> Iterator[str]:
        """The known checks that an alert depends on, also through others: the nearest first."""
        seen = {one for one in self._subjects(labels) if one in self._results}
        level = list(seen)
        while level:
            above = [parent for one in level for parent in self._results[one].depends_on]
            level = [one for one in dict.fromkeys(above) if one not in seen and one in self._results]
            seen.update(level)
            yield from level

    def _subjects(self, labels: Labels) -> Iterator[str]:
        """The checks that an alert may be about. A kind of which there is one has no name behind it."""
        for label, prefix in self._terms.check_labels.items():
            if value := labels.get(label):
                yield prefix + value
                if prefix.endswith(":"):
                    yield prefix[:-1]


def _state(result: HealthResult) -> tuple[str, bool, list[str]]:
    return result.status, result.found == "unhealthy", result.depends_on
