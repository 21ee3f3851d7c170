"""Section `notifications` of `pantau.yaml`: who is told of what, when, and what mutes it. notifier acts by it; api
shows it and says who would be told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from shared.link_settings import LinksSettings
from shared.routing.calendar_settings import Zone
from shared.routing.configuration import KEYS, Routing, parse_routing, read_routing
from shared.routing.duration_field import Between, Duration
from shared.routing.errors import BadRouting
from shared.routing.outside import accounts_in
from shared.routing.people import Language
from shared.routing.people_settings import PeopleSettings
from shared.routing.plain_tree import steps_of, tree_of
from shared.routing.receiver_reading import read_global
from shared.routing.recipients import Directory
from shared.routing.suppression_settings import DependenciesSettings, SuppressedDigestSettings
from shared.routing.watchdog_settings import WatchdogSettings
from shared.rules.errors import BadRule
from shared.rules.fields import FieldReader
from shared.settings import Section


class WordingSettings(Section):
    """How messages are worded, unless a person wants them otherwise."""

    zone: Zone = "Asia/Jakarta"
    """The time zone of times in messages, of quiet hours and of schedules."""
    language: Language = "id"
    """`id` or `en`."""


class FlappingSettings(Section):
    """When an alert that comes and goes is held back until it keeps still."""

    begins: Annotated[int, Field(ge=1, le=99)] = 6
    """It may begin so often …"""
    within: Annotated[Duration, Between("10s", "1d")] = "15m"
    """… within this time."""


class NotificationsSettings(PeopleSettings):
    """Alertmanager's configuration, in its file or as keys here, and what Pantau adds to it."""

    alertmanager_file: Path | None = None
    """An alertmanager.yml, instead of the keys from `global` to `templates`."""
    global_: dict[str, Any] = Field(default={}, alias="global")
    """What holds for all receivers that don't say it themselves: `smtp_smarthost`, `slack_api_url`, …"""
    route: dict[str, Any] | None = None
    """The tree of routes."""
    receivers: list[dict[str, Any]] = []
    """Who is told, and in which ways."""
    inhibit_rules: list[dict[str, Any]] = []
    """What fires and mutes what else."""
    time_intervals: list[dict[str, Any]] = []
    """Times of the week and the year at which routes are muted or active."""
    mute_time_intervals: list[dict[str, Any]] = []
    """The same, as Alertmanager called them before 0.24."""
    templates: list[str] = []
    """Files of templates; `*` stands for any."""
    alertmanagers: list[Any] = []
    """Alertmanagers that get every alert beside the receivers; read further by notifier alone."""
    forward: list[Any] = []
    """Metrics for outside monitoring systems; read further by notifier alone."""
    outside: dict[Literal["datadog", "newrelic"], dict[str, Any]] | None = None
    """Outside monitoring systems that the default routes tell of everything, each as an entry of its `…_configs`;
    absent: those that `forward` has accounts of."""
    flapping: FlappingSettings | None = FlappingSettings()
    """What is held back for coming and going; null: nothing."""
    dependencies: DependenciesSettings = DependenciesSettings()
    """What mutes an alert because it lies behind something that is down."""
    suppressed_digest: SuppressedDigestSettings = SuppressedDigestSettings()
    """When people are told of what was held back and is over."""
    wording: WordingSettings = WordingSettings()
    """How messages are worded."""
    links: LinksSettings = LinksSettings()
    """Links in messages with which an alert is acknowledged or silenced."""
    watchdog: WatchdogSettings = WatchdogSettings()
    """How Pantau is itself watched."""
    _routing: Routing | None = PrivateAttr(None)
    _forward_accounts: dict[str, dict[str, Any]] = PrivateAttr({})

    @property
    def routing(self) -> Routing | None:
        """What the file or the keys say; None if nothing is configured."""
        return self._routing

    def everybody(self) -> Directory:
        """The people and their turns."""
        wording = self.wording
        return Directory(self.directory(wording.zone, wording.language), self.schedules(wording.zone))

    @property
    def outside_entries(self) -> Mapping[str, Mapping[str, Any]]:
        """What the default routes tell of everything: by kind, an entry of its `…_configs`, as it is written."""
        if self.outside is not None:
            return {str(kind): entry for kind, entry in self.outside.items()}
        return self._forward_accounts

    def refusal(self, problems: Sequence[tuple[str, str]]) -> ValidationError:
        """What settings that have this section raise of problems with integrations: (their `place`, reason)."""
        in_file = self.alertmanager_file is not None
        below = [_in_file(place, why) if in_file else (steps_of(place), why) for place, why in problems]
        return _refused([(("notifications", *steps), why) for steps, why in below])

    @model_validator(mode="wrap")
    @classmethod
    def _keep_accounts(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        made = read(given)  # notifier reads `forward` into sections of its own, api does not: both see what is written
        if isinstance(given, dict):
            made._forward_accounts = accounts_in(given.get("forward"))
        return made

    @model_validator(mode="after")
    def _routes(self) -> Self:
        inline = {key: value for key, value in self.model_dump(by_alias=True, include=_FIELDS).items() if value}
        if self.alertmanager_file is not None:
            if inline:
                raise _refused([(("alertmanager_file",), f"leaves no room for {', '.join(inline)}: write them there")])
            self._routing = _read_file(self.alertmanager_file)
        elif inline.keys() - {"global"}:
            self._routing = _read_inline(inline)
        elif inline:
            _check_global(inline["global"])  # the default routes hold, with what it says
        return self

    @model_validator(mode="after")
    def _outside_is_for_default_routes(self) -> Self:
        if self.outside is not None and self._routing is not None:
            raise _refused([(("outside",), "is for the default routes: write datadog_configs or newrelic_configs")])
        return self

    @model_validator(mode="after")
    def _watchdog_tells_somebody(self) -> Self:
        receiver, routing = self.watchdog.receiver, self._routing
        if receiver is not None and (routing is None or receiver not in routing.receivers):
            raise _refused([(("watchdog", "receiver"), f"there is no receiver {receiver[:80]!r}")])
        return self


Problem = tuple[tuple[str | int, ...], str]
"""The steps to its place, and what is wrong there."""
_FIELDS = {"global_" if key == "global" else key for key in KEYS}


def _read_file(path: Path) -> Routing:
    try:
        return parse_routing(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise _refused([(("alertmanager_file",), f"{path} can't be read: {reason}")]) from error
    except BadRouting as error:
        raise _refused([_in_file(place, why) for place, why in error.problems]) from error


def _read_inline(values: dict[str, Any]) -> Routing:
    try:
        return read_routing(tree_of(values), "")
    except (BadRouting, BadRule) as error:
        raise _refused([(steps_of(place), reason) for place, reason in error.problems]) from error


def _check_global(values: dict[str, Any]) -> None:
    reading = FieldReader("/global")
    read_global(tree_of(values), reading)
    if reading.problems:
        raise _refused([(steps_of(place), reason) for place, reason in reading.problems])


def _in_file(place: str, reason: str) -> Problem:
    return ("alertmanager_file",), f"{place}: {reason}"


def _refused(problems: Sequence[Problem]) -> ValidationError:
    """The problems, each with its own place below the section."""
    details = [
        InitErrorDetails(type=PydanticCustomError("routing", "{reason}", {"reason": reason}), loc=steps, input=None)
        for steps, reason in problems
    ]
    return ValidationError.from_exception_data("notifications", details)
