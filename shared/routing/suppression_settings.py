"""Keys `dependencies` and `suppressed_digest` of section `notifications`."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from shared.promql.durations import parse_duration
from shared.routing.calendar_settings import Minute
from shared.routing.dependencies import CHECK_LABELS, Dependencies, DependencyRule
from shared.routing.digests import SuppressedDigest, When
from shared.routing.duration_field import Between, Duration
from shared.routing.errors import BadMatcher
from shared.routing.matcher_text import parse_matchers
from shared.routing.matchers import Matcher
from shared.settings import Section

LabelName = Annotated[str, Field(min_length=1, max_length=200)]


def _matchers(texts: list[str]) -> tuple[Matcher, ...]:
    return tuple(one for text in texts for one in parse_matchers(text))


def _read(texts: list[str]) -> list[str]:
    try:
        _matchers(texts)
    except BadMatcher as error:
        raise ValueError(str(error)) from None
    return texts


Matchers = Annotated[list[str], AfterValidator(_read), Field(min_length=1, max_length=100)]


class DependencyRuleSettings(Section):
    """Alerts behind which others lie."""

    parent_matchers: Matchers
    """What the alert that says that something is down has: `[alertname="router_down"]`."""
    child_matchers: Matchers
    """What the alerts have that can't be well then. What is a parent itself is no child."""
    equal: Annotated[list[LabelName], Field(max_length=20)] = []
    """Labels that both have with the same value."""

    def rule(self) -> DependencyRule:
        """The rule."""
        return DependencyRule(_matchers(self.parent_matchers), _matchers(self.child_matchers), tuple(self.equal))


BEHIND_ROUTERS = {"parent_matchers": ['alertname="router_down"'], "child_matchers": ['router!=""'], "equal": ["router"]}


class DependenciesSettings(Section):
    """What mutes an alert because it lies behind something that is down."""

    wait: Annotated[Duration, Between("0", "1h")] = "2m30s"
    """The longest that an alert waits while it is not known yet whether what it depends on is down."""
    grace: Annotated[Duration, Between("0", "1h")] = "1m"
    """How long what is behind may take to come back too."""
    check_labels: Annotated[dict[LabelName, str], Field(max_length=20)] = dict(CHECK_LABELS)
    """Labels that say which health check an alert is about: by label what stands before its value in the check's name.
    What that check depends on (`health.….depends_on`) mutes the alert."""
    rules: Annotated[list[DependencyRuleSettings], Field(max_length=1_000)] = [
        DependencyRuleSettings.model_validate(BEHIND_ROUTERS)
    ]
    """Alerts behind which others lie. Absent: `router_down`, behind which is what has the same `router`."""

    def dependencies(self) -> Dependencies:
        """All of it."""
        return Dependencies(
            wait_ms=parse_duration(self.wait),
            grace_ms=parse_duration(self.grace),
            check_labels=self.check_labels,
            rules=tuple(one.rule() for one in self.rules),
        )


class SuppressedDigestSettings(Section):
    """When people are told of what was held back and is over: in one message for each way of a receiver."""

    when: When = "on-end"
    """`on-end`: once nothing would hold it back any more; `daily`: once a day; `off`: never."""
    every: Annotated[Duration, Between("1s", "7d")] = "15m"
    """With `on-end`, how far apart they are at least, by the clock: 15m is at :00, :15, :30 and :45."""
    at: Minute = 8 * 60
    """With `daily`, the time of the day: `08:00`, in the zone of `notifications.wording`."""

    @model_validator(mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        # YAML reads an unquoted off as false.
        if isinstance(value, dict) and value.get("when") is False:
            return value | {"when": "off"}
        return value

    def digest(self, zone: str) -> SuppressedDigest:
        """All of it; `zone`: the time zone of `at`."""
        return SuppressedDigest(self.when, parse_duration(self.every), self.at, ZoneInfo(zone))
