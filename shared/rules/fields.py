"""The fields of a rule file, read from its tree. What is of the wrong kind is noted, so that people see all at once."""

from collections.abc import Callable, Mapping

from shared.messages.alerts import SEVERITIES, Severity
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.rules.errors import BadRule
from shared.rules.tree import Tree

# The largest that every reader of the message can hold.
LARGEST_COUNT = 2**31 - 1


class FieldReader:
    """Reads fields and gathers what is wrong: (place, reason)."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.problems: list[tuple[str, str]] = []

    def place(self, at: Tree | str) -> str:
        """Where that is, in full."""
        return self._place + (at if isinstance(at, str) else at.at)

    def add(self, at: Tree | str, reason: str) -> None:
        """Note a problem."""
        self.problems.append((self.place(at), reason))

    def done(self) -> None:
        """BadRule if there were problems, one a line."""
        if self.problems:
            raise BadRule("\n".join(f"{place}: {reason}" for place, reason in self.problems), self.problems)

    def fields(self, item: Tree, known: tuple[str, ...], what: str) -> dict[str, Tree]:
        """The fields of a mapping that are known; the others are problems."""
        if item.mapping is None:
            self.add(item, f"{what} is a mapping with {', '.join(known)}")
            return {}
        for key, at in item.doubled:
            self.add(at, f"{key[:80]!r} is given twice")
        for key, tree in item.mapping.items():
            if key not in known:
                self.add(tree, f"unknown field {key[:80]!r}: {what} has {', '.join(known)}")
        return {key: tree for key, tree in item.mapping.items() if key in known}

    def items(self, tree: Tree | None, what: str) -> list[Tree]:
        """The items of a list; none if it is absent."""
        if tree is None or tree.is_null:
            return []
        if tree.sequence is None:
            self.add(tree, f"{what!r} is a list")
            return []
        return tree.sequence

    def text(self, tree: Tree | None) -> str | None:
        """A text; numbers and such count as they are written."""
        if tree is None or tree.is_null:
            return None
        if tree.text is None:
            self.add(tree, "a text is expected here")
        return tree.text

    def texts(self, tree: Tree | None, what: str) -> dict[str, str]:
        """A mapping of texts; none if it is absent."""
        if tree is None or tree.is_null:
            return {}
        if tree.mapping is None:
            self.add(tree, f"{what!r} is a mapping of texts")
            return {}
        return {key: self.text(value) or "" for key, value in tree.mapping.items()}

    def duration(self, tree: Tree | None, what: str) -> int | None:
        """Milliseconds of a PromQL duration."""
        if tree is None or tree.is_null:
            return None
        try:
            return parse_duration(tree.text or "")
        except BadQuery as error:
            self.add(tree, f"{what}: {error}")
            return None

    def count(self, tree: Tree | None, what: str) -> int:
        """A whole number from 0 up; 0 if it is absent."""
        if tree is None or tree.is_null:
            return 0
        value = tree.value
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
            self.add(tree, f"{what!r} is a number from 0 up")
            return 0
        return value

    def flag(self, tree: Tree | None, what: str) -> bool:
        """True or false; false if it is absent."""
        if tree is None or tree.is_null:
            return False
        if not isinstance(tree.value, bool):
            self.add(tree, f"{what!r} is true or false")
            return False
        return tree.value

    def severity(self, tree: Tree | None, labels: Mapping[str, str]) -> Severity:
        """Ours if given, else the label `severity` where that is one of ours, else warning."""
        text = self.text(tree) if tree is not None else labels.get("severity")
        for severity in SEVERITIES:
            if text == severity:
                return severity
        if tree is not None:
            self.add(tree, f"severity {str(text)[:40]!r} is none of {', '.join(SEVERITIES)}")
        return "warning"

    def checked(self, check: Callable[[], None], item: Tree) -> None:
        """Run a check that may say BadRule."""
        try:
            check()
        except BadRule as error:
            self.add(item, str(error))
