"""What explanations of rules and alerts look like over HTTP. Numbers are exact: NaN and infinities are texts."""

from typing import Literal

from pydantic import ConfigDict

from services.api.core.bodies import Body
from shared.messages.message import Instant, Number
from shared.promql.expressions import ValueType
from shared.rules.explain_reasons import ReasonKey
from shared.rules.explain_verdict import VerdictKey


class ExactBody(Body):
    """A body that tells numbers which JSON has none for."""

    model_config = ConfigDict(ser_json_inf_nan="strings")


class ElementBody(ExactBody):
    """One element of a vector."""

    labels: dict[str, str]
    value: Number
    taken_at: Instant | None
    """The time of its sample, where it is one"""


class SampleBody(ExactBody):
    """One sample."""

    time: Instant
    value: Number


class RowBody(ExactBody):
    """One series of a range: its newest samples."""

    labels: dict[str, str]
    samples: list[SampleBody]
    total: int


class ComparedBody(ExactBody):
    """Two values that a comparison held against each other."""

    labels: dict[str, str]
    left: Number
    right: Number
    passed: bool
    by: Number
    """left minus right"""


class ComparisonBody(ExactBody):
    """What a comparison let through and what not; those that passed first, then the closest."""

    op: str
    shown: list[ComparedBody]
    passed: int
    failed: int
    alone: int
    """Elements of either side that found no partner on the other"""


class RecordedByBody(ExactBody):
    """A recording rule that makes a metric."""

    group: str
    record: str


class MissingBody(ExactBody):
    """A selector that found nothing."""

    start: Instant
    """It looked at samples after this,"""
    end: Instant
    """up to this"""
    series: int | None
    """How many series of history it matches"""
    newest_at: Instant | None
    """Their newest sample until then"""
    ended: bool
    """That sample is a staleness marker: whoever sent the series said that it is over"""
    recorded_by: list[RecordedByBody]
    """Rules in force now that make the metric"""


class NodeBody(ExactBody):
    """A part of an expression, and what it evaluates to."""

    expr: str
    type: ValueType
    at: Instant
    """When it was evaluated; inside a subquery, at its last step"""
    number: Number | None
    string: str | None
    elements: list[ElementBody]
    rows: list[RowBody]
    total: int
    """Elements or series in all; at most 20 are listed"""
    samples: int
    comparison: ComparisonBody | None
    missing: MissingBody | None
    error: str | None
    parts: list["NodeBody"]
    left_out: int
    """Parts that are not shown, because there are too many"""


class ReasonBody(ExactBody):
    """One thing that kept the rule from firing. `key` and `values` are what the text is made of."""

    key: ReasonKey
    text: str
    expr: str
    values: dict[str, str | float | int]


class VerdictBody(ExactBody):
    """What there is to say in one sentence, and why."""

    key: VerdictKey
    text: str
    values: dict[str, str | float | int]
    because: list[ReasonBody]


class ExplainedRuleBody(ExactBody):
    """The rule that is explained."""

    group: str
    name: str
    place: int
    """Its position in the group, from 0"""
    kind: Literal["alert", "record"]
    expr: str
    for_seconds: float
    keep_firing_for_seconds: float
    labels: dict[str, str]
    shadow: bool
    rule_version: str | None
    """Content hash, as alert events name it; null for a recording rule"""
    explained: Literal["then", "now"]
    """Which version this is: that in force at the instant, or today's"""
    version_then: int | None
    """The group's version at the instant; null: it was not in force, or history does not know"""
    in_force_since: Instant | None
    """Since when that version was in force"""
    version_now: int | None
    """The group's version today; null: it is gone"""
    changed: bool
    """This rule is not the same today"""
    enabled: bool
    """Whether the explained version is evaluated at all"""


class HistoryBody(ExactBody):
    """How much history knows."""

    complete: bool
    """Everything that the bus accepted up to the instant is stored"""
    complete_until: Instant | None
    """null: it is not known"""


class AlertThenBody(ExactBody):
    """An alert that the rule has at the instant."""

    labels: dict[str, str]
    state: Literal["pending", "firing"]
    since: Instant | None
    """When its condition began to hold; null: before the window that was evaluated"""
    fired_at: Instant | None


class ToldBody(ExactBody):
    """An episode that alerting told as firing at the instant."""

    id: str
    alert_id: str
    labels: dict[str, str]
    fired_at: Instant
    resolved_at: Instant | None
    shadow: bool


class ExplainBody(ExactBody):
    """Why a rule fired at an instant, or why it did not."""

    at: Instant
    """What was asked for"""
    instant: Instant
    """The evaluation at or before it"""
    looked_at: Instant
    """The instant less the group's `query_offset`"""
    window_start: Instant
    """The rule was evaluated from here on, beginning without alerts"""
    rule: ExplainedRuleBody
    verdict: VerdictBody
    known: bool
    """A collector gave a sign of life before the instant; if not, nothing was concluded from what was missing"""
    history: HistoryBody
    alerts: list[AlertThenBody]
    """What the rule makes of history, at most 20"""
    total_alerts: int
    told: list[ToldBody]
    """What alerting told live: its alerts that fired at the instant, at most 20"""
    total_told: int
    tree: NodeBody
