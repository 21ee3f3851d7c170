"""`pantau.rules`: rule groups as they are in force. `pantau.rules.status`: how their evaluation goes."""

from typing import Annotated, Literal

from pydantic import Field

from shared.messages.alerts import Severity
from shared.messages.message import Instant, Message, Number, content_id

Expression = Annotated[str, Field(min_length=1, max_length=8_192)]


class AlertingRule(Message):
    """Fires for each series that `expr` returns, once it did so for `for_ms`."""

    kind: Literal["alert"] = "alert"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    expr: Expression
    for_ms: Annotated[int, Field(ge=0)] = 0
    keep_firing_for_ms: Annotated[int, Field(ge=0)] = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    severity: Severity = "warning"
    message: str = ""
    cooldown_ms: Annotated[int, Field(ge=0)] = 0
    """Notifier: an alert that fires again within it is deferred."""
    shadow: bool = False
    """Evaluated and kept, never sent to people."""

    @property
    def version(self) -> str:
        """Content hash of the rule. The order of labels and annotations says nothing: a database does not keep it."""
        ordered = {name: dict(sorted(getattr(self, name).items())) for name in ("labels", "annotations")}
        return content_id(self.model_copy(update=ordered).model_dump_json())


class RecordingRule(Message):
    """Writes what `expr` returns as the series `name`."""

    kind: Literal["record"] = "record"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    expr: Expression
    labels: dict[str, str] = {}


Rule = Annotated[AlertingRule | RecordingRule, Field(discriminator="kind")]


class RuleGroup(Message):
    """Rules that are evaluated together, in order; its name is the message key, a tombstone deletes it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    rules: Annotated[list[Rule], Field(max_length=10_000)]
    interval_ms: Annotated[int, Field(gt=0)] | None = None
    """The evaluation grid; absent: the service's `evaluation_interval`."""
    query_offset_ms: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=0)] = 0
    """At most that many alerts or series per rule; 0 is no limit."""
    immediate: bool = False
    """Evaluated on arrival of samples that its rules select, beside the grid."""
    enabled: bool = True
    version: Annotated[int, Field(ge=1)]
    """Counts up with each change; a change must name the version it replaces."""
    origin: Literal["file", "api"]
    updated_by: str
    updated_at: Instant


class RuleProblem(Message):
    """A rule that can't be evaluated, or could not at the last instant."""

    place: int
    """Its position in the group, from 0."""
    rule: str
    reason: str


class GroupStatus(Message):
    """How the evaluation of a group goes. Told when it changes, and else every half minute."""

    group: str
    version: int
    """The version of the group that is being evaluated."""
    state: Literal["filling", "active", "refused"]
    """filling: its windows are being filled, nothing is concluded yet. refused: not evaluated, for this `reason`."""
    reason: str | None = None
    problems: Annotated[list[RuleProblem], Field(max_length=100)] = []
    problem_count: int = 0
    """There may be more problems than are listed."""
    reads: list[str] = []
    """Groups whose outputs it reads; its instants wait for theirs."""
    last_instant: Instant | None = None
    """The latest instant that was evaluated."""
    evaluation_seconds: Number = 0.0
    """How long the latest evaluation took."""
    pending: int = 0
    firing: int = 0
    series: int = 0
    """Series that its rules select."""
    unknown_instants: int = 0
    """Instants without a sign of any collector, since the group is evaluated by this worker."""
    late_samples: int = 0
    """Samples that came after an instant that they belong to, since then."""
    told_at: Instant
    worker: str
    """The alerting instance that evaluates it."""
