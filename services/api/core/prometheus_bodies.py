"""The bodies of Prometheus' API, with its very names; what may be missing there may be missing here.

From web/api/v1/api.go of Prometheus 3. Times are RFC 3339, durations seconds, values of alerts texts.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

AlertState = Literal["inactive", "pending", "firing"]
Health = Literal["ok", "err", "unknown"]
ErrorType = Literal["bad_data", "unauthorized", "forbidden", "unavailable", "internal"]


class PrometheusAlert(TypedDict):
    """One active alert."""

    labels: dict[str, str]
    annotations: dict[str, str]
    state: Literal["pending", "firing"]
    activeAt: str
    value: str


class PrometheusAlertingRule(TypedDict):
    """An alerting rule and what it found; `alerts` is null where they were not wanted."""

    state: AlertState
    name: str
    query: str
    duration: float
    keepFiringFor: float
    labels: dict[str, str]
    annotations: dict[str, str]
    alerts: list[PrometheusAlert] | None
    health: Health
    lastError: NotRequired[str]
    evaluationTime: float
    lastEvaluation: str
    type: Literal["alerting"]


class PrometheusRecordingRule(TypedDict):
    """A recording rule."""

    name: str
    query: str
    labels: dict[str, str]
    health: Health
    lastError: NotRequired[str]
    evaluationTime: float
    lastEvaluation: str
    type: Literal["recording"]


class PrometheusGroup(TypedDict):
    """A rule group in force."""

    name: str
    file: str
    rules: list[PrometheusAlertingRule | PrometheusRecordingRule]
    interval: float
    limit: int
    evaluationTime: float
    lastEvaluation: str


class RuleDiscovery(TypedDict):
    """Rule groups; with a token where there are more."""

    groups: list[PrometheusGroup]
    groupNextToken: NotRequired[str]


class AlertDiscovery(TypedDict):
    """Active alerts."""

    alerts: list[PrometheusAlert]


class BuildInfo(TypedDict):
    """What answers."""

    version: str
    revision: str
    branch: str
    buildUser: str
    buildDate: str
    goVersion: str


class RulesAnswer(TypedDict):
    """`GET /api/v1/rules`."""

    status: Literal["success"]
    data: RuleDiscovery


class AlertsAnswer(TypedDict):
    """`GET /api/v1/alerts`."""

    status: Literal["success"]
    data: AlertDiscovery


class BuildInfoAnswer(TypedDict):
    """`GET /api/v1/status/buildinfo`."""

    status: Literal["success"]
    data: BuildInfo


class ErrorAnswer(TypedDict):
    """Whatever went wrong."""

    status: Literal["error"]
    errorType: ErrorType
    error: str
