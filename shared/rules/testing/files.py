"""Test files in promtool's format, read strictly."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from shared.promql.series_sets import Labels, labels_from
from shared.rules.errors import BadRule
from shared.rules.testing.notation import read_duration, read_labels, read_values
from shared.rules.tree import Tree
from shared.rules.yaml_tree import read_tree

T = TypeVar("T")
MINUTE_MS = 60_000
_NO_LABELS: Labels = ()


@dataclass(frozen=True)
class InputSeries:
    """A series and its values, one an interval; None where there is none."""

    labels: Labels
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class ExpectedAlert:
    """A firing alert: labels without `alertname`, and annotations."""

    labels: Labels
    annotations: Labels


@dataclass(frozen=True)
class AlertCase:
    """Which alerts of a name fire at a time after the start."""

    eval_ms: int
    alertname: str
    expected: tuple[ExpectedAlert, ...]


@dataclass(frozen=True)
class ExprCase:
    """What an expression gives at a time after the start."""

    expr: str
    eval_ms: int
    expected: tuple[tuple[Labels, float], ...]


@dataclass(frozen=True)
class TestGroup:
    """One test: series, and what is to come of them."""

    __test__ = False  # it is not one of pytest's

    name: str
    interval_ms: int
    series: tuple[InputSeries, ...]
    alerts: tuple[AlertCase, ...]
    expressions: tuple[ExprCase, ...]
    external_labels: Labels
    external_url: str
    start_ms: int = 0


@dataclass(frozen=True)
class TestFile:
    """A file of tests. `rule_files` are patterns relative to it."""

    __test__ = False

    rule_files: tuple[str, ...]
    evaluation_interval_ms: int
    group_order: tuple[str, ...]
    tests: tuple[TestGroup, ...]
    fuzzy: bool = False


def parse_test_file(text: str, place: str) -> TestFile:
    """The tests in a file. BadRule: `place:line: reason`, one a line."""
    root = read_tree(text, place)
    reading = _Reading(place)
    found = reading.file(root if root is not None else Tree(":1", mapping={}))
    if reading.problems:
        raise BadRule("\n".join(reading.problems))
    return found


@dataclass
class _Reading:
    """Trees made into tests; what is wrong is gathered."""

    place: str
    problems: list[str] = field(default_factory=list)

    def file(self, root: Tree) -> TestFile:
        fields = self.fields(root, "rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare")
        interval = self.read(fields.get("evaluation_interval"), read_duration, 0) or MINUTE_MS
        order = tuple(self.text(one) for one in self.items(fields.get("group_eval_order")))
        for name in {one for one in order if order.count(one) > 1}:
            self.add(fields["group_eval_order"], f"group name repeated in evaluation order: {name}")
        fuzzy = fields.get("fuzzy_compare")
        return TestFile(
            tuple(self.text(one) for one in self.items(fields.get("rule_files"))),
            interval,
            order,
            tuple(self.test(one, interval) for one in self.items(fields.get("tests"))),
            bool(fuzzy is not None and fuzzy.value is True),
        )

    def test(self, item: Tree, interval: int) -> TestGroup:
        fields = self.fields(
            item,
            *("interval", "input_series", "alert_rule_test", "promql_expr_test"),
            *("external_labels", "external_url", "name", "start_timestamp"),
        )
        return TestGroup(
            name=self.text(fields.get("name")),
            interval_ms=self.read(fields.get("interval"), read_duration, 0) or interval,
            series=tuple(self.series(one) for one in self.items(fields.get("input_series"))),
            alerts=tuple(self.alert_case(one) for one in self.items(fields.get("alert_rule_test"))),
            expressions=tuple(self.expr_case(one) for one in self.items(fields.get("promql_expr_test"))),
            external_labels=self.texts(fields.get("external_labels")),
            external_url=self.text(fields.get("external_url")),
            start_ms=self.read(fields.get("start_timestamp"), _timestamp, 0),
        )

    def series(self, item: Tree) -> InputSeries:
        fields = self.fields(item, "series", "values")
        labels: Labels = self.read(fields.get("series"), read_labels, _NO_LABELS)
        values: list[float | None] = self.read(fields.get("values"), read_values, [])
        return InputSeries(labels, tuple(values))

    def alert_case(self, item: Tree) -> AlertCase:
        fields = self.fields(item, "eval_time", "alertname", "exp_alerts")
        name = self.text(fields.get("alertname"))
        if not name:
            self.add(item, "an item under alert_rule_test misses required attribute alertname")
        expected = []
        for one in self.items(fields.get("exp_alerts")):
            parts = self.fields(one, "exp_labels", "exp_annotations")
            expected.append(
                ExpectedAlert(self.texts(parts.get("exp_labels")), self.texts(parts.get("exp_annotations")))
            )
        return AlertCase(self.read(fields.get("eval_time"), read_duration, 0), name, tuple(expected))

    def expr_case(self, item: Tree) -> ExprCase:
        fields = self.fields(item, "expr", "eval_time", "exp_samples")
        expected = []
        for one in self.items(fields.get("exp_samples")):
            parts = self.fields(one, "labels", "value", "histogram")
            if "histogram" in parts:
                self.add(parts["histogram"], "native histograms are not supported by this version")
            labels = self.read(parts.get("labels"), read_labels, _NO_LABELS)
            expected.append((labels, self.read(parts.get("value"), _number, 0.0)))
        eval_ms = self.read(fields.get("eval_time"), read_duration, 0)
        return ExprCase(self.text(fields.get("expr")), eval_ms, tuple(expected))

    def add(self, at: Tree, reason: str) -> None:
        self.problems.append(f"{self.place}{at.at}: {reason}")

    def fields(self, item: Tree, *known: str) -> dict[str, Tree]:
        if item.mapping is None:
            if not item.is_null:
                self.add(item, f"a mapping with {', '.join(known)} is expected here")
            return {}
        for key, _ in item.doubled:
            self.add(item, f"{key!r} is given twice")
        for key, tree in item.mapping.items():
            if key not in known:
                self.add(tree, f"unknown field {key[:80]!r}: there are {', '.join(known)}")
        return item.mapping

    def items(self, tree: Tree | None) -> list[Tree]:
        if tree is None or tree.is_null:
            return []
        if tree.sequence is None:
            self.add(tree, "a list is expected here")
        return tree.sequence or []

    def text(self, tree: Tree | None) -> str:
        if tree is None or tree.is_null:
            return ""
        if tree.text is None:
            self.add(tree, "a text is expected here")
        return tree.text or ""

    def texts(self, tree: Tree | None) -> Labels:
        if tree is None or tree.is_null:
            return ()
        if tree.mapping is None:
            self.add(tree, "a mapping of texts is expected here")
            return ()
        return labels_from({key: self.text(value) for key, value in tree.mapping.items()})

    def read(self, tree: Tree | None, reader: Callable[[str], T], absent: T) -> T:
        if tree is None or tree.is_null:
            return absent
        try:
            return reader(self.text(tree))
        except BadRule as error:
            self.add(tree, str(error))
            return absent


def _number(text: str) -> float:
    try:
        return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan").replace(".NaN", "nan"))
    except ValueError:
        raise BadRule(f"{text[:40]!r} is not a number") from None


def _timestamp(text: str) -> int:
    """Milliseconds of seconds since the epoch, or of an RFC 3339 time."""
    try:
        return round(float(text) * 1000)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRule(f"{text[:40]!r} is neither seconds since the epoch nor an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise BadRule(f"{text[:40]!r} has no time zone")
    return round(moment.timestamp() * 1000)
