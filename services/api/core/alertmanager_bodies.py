"""The bodies of Alertmanager's API v2, with its very names.

From api/v2/openapi.yaml of Alertmanager. Times are RFC 3339.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

Text = Annotated[str, Field(max_length=4_096, pattern=r"^[^\x00]*$")]


class MatcherV2(TypedDict):
    """A label matcher."""

    name: Annotated[Text, Field(min_length=1)]
    value: Text
    isRegex: bool
    isEqual: NotRequired[bool]


class SilenceStatusV2(TypedDict):
    """The state of a silence."""

    state: Literal["expired", "active", "pending"]


class GettableSilence(TypedDict):
    """A silence."""

    id: str
    status: SilenceStatusV2
    updatedAt: str
    comment: str
    createdBy: str
    startsAt: str
    endsAt: str
    matchers: list[MatcherV2]


class PostableSilence(TypedDict):
    """A silence that is to be made or, with the id of one that is not over, changed."""

    id: NotRequired[Annotated[str | None, Field(max_length=100)]]
    matchers: Annotated[list[MatcherV2], Field(min_length=1, max_length=64)]
    startsAt: Annotated[str, Field(max_length=64)]
    endsAt: Annotated[str, Field(max_length=64)]
    createdBy: Text
    comment: Text


class SilenceMade(TypedDict):
    """The id of a silence."""

    silenceID: str


class AlertStatusV2(TypedDict):
    """Whether an alert is muted, and by what."""

    state: Literal["unprocessed", "active", "suppressed"]
    silencedBy: list[str]
    inhibitedBy: list[str]
    mutedBy: list[str]


class ReceiverV2(TypedDict):
    """A receiver."""

    name: str


class GettableAlert(TypedDict):
    """An alert that fires."""

    annotations: dict[str, str]
    receivers: list[ReceiverV2]
    fingerprint: str
    startsAt: str
    updatedAt: str
    endsAt: str
    status: AlertStatusV2
    labels: dict[str, str]
    generatorURL: str


class AlertGroupV2(TypedDict):
    """The alerts that a receiver is told of together."""

    labels: dict[str, str]
    receiver: ReceiverV2
    alerts: list[GettableAlert]


class VersionInfoV2(TypedDict):
    """What answers."""

    version: str
    revision: str
    branch: str
    buildUser: str
    buildDate: str
    goVersion: str


class ClusterStatusV2(TypedDict):
    """Alertmanagers in a cluster: here there is none."""

    status: Literal["disabled"]
    peers: list[str]


class ConfigV2(TypedDict):
    """The configuration in force."""

    original: str


class AlertmanagerStatus(TypedDict):
    """`GET /api/v2/status`."""

    cluster: ClusterStatusV2
    versionInfo: VersionInfoV2
    config: ConfigV2
    uptime: str
