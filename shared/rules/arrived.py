"""Which elements of a rule's result, and which alerts, samples that have just arrived say something about."""

from collections.abc import Iterable

from shared.messages.series import NAME
from shared.promql.series_sets import Labels


class Arrived:
    """Series that got samples. An element concerns them where one of them has no other value for a label of it."""

    def __init__(self, series: Iterable[Labels]) -> None:
        self._exact: set[Labels] = set()
        self._by_names: dict[tuple[str, ...], list[dict[str, str]]] = {}
        self._projected: dict[tuple[tuple[str, ...], tuple[str, ...]], set[tuple[str, ...]]] = {}
        for labels in series:
            plain = tuple(pair for pair in labels if pair[0] != NAME)
            self._exact.add(plain)
            self._by_names.setdefault(tuple(name for name, _ in plain), []).append(dict(plain))

    def concerns(self, element: Labels) -> bool:
        """Whether the arrived samples say something about the element with these labels."""
        plain = tuple(pair for pair in element if pair[0] != NAME)
        if plain in self._exact:
            return True
        own = dict(plain)
        for names in self._by_names:
            common = tuple(name for name in names if name in own)
            if tuple(own[name] for name in common) in self._values(names, common):
                return True
        return False

    def _values(self, names: tuple[str, ...], common: tuple[str, ...]) -> set[tuple[str, ...]]:
        found = self._projected.get((names, common))
        if found is None:
            found = {tuple(one[name] for name in common) for one in self._by_names[names]}
            self._projected[names, common] = found
        return found
