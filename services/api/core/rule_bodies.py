"""What the HTTP API takes and answers about rules: one model per body."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.api.core.bodies import Body
from shared.messages.alerts import Severity
from shared.messages.message import Instant

GroupState = Literal["filling", "active", "refused", "unknown", "disabled"]


def _is_absent(value: object) -> bool:
    return value is None


# As in a file: what is not set is not there.
_ABSENT = Field(exclude_if=_is_absent)
OptionalText = Annotated[str | None, _ABSENT]
OptionalTexts = Annotated[dict[str, str] | None, _ABSENT]
OptionalFlag = Annotated[bool | None, _ABSENT]


class RuleDefinition(BaseModel):
    """A rule with the fields of a Prometheus rule file, and ours. It has either `alert` or `record`."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    alert: OptionalText = None
    """An alerting rule's name"""
    record: OptionalText = None
    """The metric that a recording rule makes; such a rule has beside it `expr` and `labels` only"""
    expr: str
    """PromQL"""
    for_: Annotated[str | None, Field(alias="for", exclude_if=_is_absent)] = None
    """A PromQL duration, as all durations here: `5m`, `1h30m`"""
    keep_firing_for: OptionalText = None
    labels: OptionalTexts = None
    annotations: OptionalTexts = None
    severity: Annotated[Severity | None, _ABSENT] = None
    """Ours; also becomes the label `severity`, unless `labels` has one. Absent: what that label says, else warning"""
    message: OptionalText = None
    """Ours: what people read; absent: the annotation `summary`, else `description`, else the name"""
    cooldown: OptionalText = None
    """Ours: an alert that fires again within it is told at its end, if it still fires"""
    shadow: OptionalFlag = None
    """Ours: evaluated and kept, never sent"""


class GroupDefinition(BaseModel):
    """A rule group with the fields of a Prometheus rule file, and ours."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, Field(max_length=200)]
    interval: OptionalText = None
    """A PromQL duration; absent: alerting's evaluation interval"""
    query_offset: OptionalText = None
    limit: Annotated[int | None, Field(ge=0, exclude_if=_is_absent)] = None
    labels: OptionalTexts = None
    """For all rules of the group"""
    immediate: OptionalFlag = None
    """Ours: evaluated on arrival of what its rules select, beside the grid"""
    rules: list[RuleDefinition] = []


class GroupReplacement(GroupDefinition):
    """A group that is to take the place of another."""

    name: Annotated[str, Field(max_length=200)] = ""
    """If given, the name in the path"""
    version: Annotated[int, Field(ge=1)] | None = None
    """The version that it is to replace, if the header `If-Match` doesn't name it"""


class RuleFile(BaseModel):
    """A rule file."""

    model_config = ConfigDict(extra="forbid")

    groups: list[GroupDefinition]


class GroupChange(BaseModel):
    """What may be changed of a group beside its rules."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    enabled: bool
    """false: its rules are not evaluated, and its alerts end"""
    version: Annotated[int, Field(ge=1)] | None = None
    """If given, the version that is to be changed"""


class RuleBody(Body):
    """One rule."""

    kind: Literal["alert", "record"]
    name: str
    expr: str
    for_seconds: float = 0
    keep_firing_for_seconds: float = 0
    severity: Severity | None = None
    message: str | None = None
    cooldown: int = 0
    """Milliseconds"""
    shadow: bool = False
    """Evaluated and kept, never sent"""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    problem: str | None = None
    """Why it could not be evaluated at the last instant"""


class RuleProblemBody(Body):
    """A rule that could not be evaluated at the last instant."""

    place: int
    """Its position in the group, from 0"""
    rule: str
    reason: str


class GroupStatusBody(Body):
    """How the evaluation of a group goes, as alerting says. The figures are null where it has not said any."""

    state: GroupState
    """filling: its windows are being filled, nothing is concluded yet. active: it is evaluated. refused: it is not, for
    `reason`. unknown: alerting has not said yet, or no more, for `reason`. disabled: it is switched off"""
    reason: str | None = None
    version: int | None = None
    """The version that alerting speaks of"""
    last_instant: Instant | None = None
    """The latest instant that was evaluated"""
    evaluation_seconds: float | None = None
    """How long the latest evaluation took"""
    pending: int | None = None
    firing: int | None = None
    series: int | None = None
    """Series that its rules select"""
    unknown_instants: int | None = None
    """Instants without a sign of any collector"""
    late_samples: int | None = None
    """Samples that came after an instant that they belong to"""
    reads: list[str] = []
    """Groups whose outputs it reads"""
    problems: list[RuleProblemBody] = []
    """At most 100"""
    problem_count: int = 0
    told_at: Instant | None = None
    worker: str | None = None
    """The alerting instance that evaluates it"""


class RuleGroupBody(Body):
    """A rule group in force."""

    name: str
    version: int
    """Counts up with each change; the ETag of the group"""
    origin: Literal["file", "api"]
    """file: it comes from a rule file and is changed there"""
    immediate: bool
    """Evaluated whenever a sample arrives that it selects"""
    enabled: bool
    interval_seconds: float | None
    """null: alerting's evaluation interval"""
    query_offset_seconds: float = 0
    limit: int = 0
    """At most so many alerts or series a rule; 0: no limit"""
    updated_by: str
    updated_at: Instant
    rules: list[RuleBody]
    status: GroupStatusBody


class GroupDetailBody(RuleGroupBody):
    """One rule group in full."""

    definition: GroupDefinition
    """The group as a rule file has it, for PUT"""
    published: bool = True
    """False: stored, but the bus is away; it comes into force once the bus is back"""


class RuleFileBody(Body):
    """The groups of a file that was taken."""

    groups: list[GroupDetailBody]


class SmallRuleBody(Body):
    """A rule that was taken."""

    name: str
    group: str
    version: int
    condition: str
    expr: str
    """The condition as it is evaluated"""
    severity: Severity
    message: str
    cooldown: int
    immediate: bool
    shadow: bool = False
    updated_by: str
    updated_at: Instant
    published: bool
    """False: stored, but the bus is away; it comes into force once the bus is back"""


class GroupVersionBody(Body):
    """One version of a group. A deletion counts as one, too."""

    version: int | None
    """null: a deletion of which nothing else is known any more"""
    action: Literal["create", "update", "delete"]
    updated_by: str | None
    """null: who deleted it is not known any more"""
    updated_at: Instant
    enabled: bool | None
    """null: a deletion"""
    definition: GroupDefinition | None
    """null: a deletion"""
