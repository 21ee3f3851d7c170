"""`notifications.forward`: which metrics go to which outside monitoring system."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from services.notifier.channels.accounts import DatadogAccount, NewRelicAccount
from services.notifier.core.forwarding import selectors_of
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.promql.matching import Selector
from shared.settings import Section


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value) / 1000
    except BadQuery as error:
        raise ValueError(str(error)) from error


def _is_selector(text: str) -> str:
    selectors_of([text])
    return text


# A count has the time at which its interval began, and Datadog refuses what is older than an hour.
Interval = Annotated[int, BeforeValidator(_seconds), Field(ge=10, le=1_800)]
"""Whole seconds, from `60s` or a plain number."""
Chosen = Annotated[str, AfterValidator(_is_selector)]


class ForwardSettings(Section):
    """Metrics for one system: `datadog` or `newrelic`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] | None = None
    """What metrics and logs call it; absent: which system it is."""
    datadog: DatadogAccount | None = None
    """An organisation at Datadog."""
    newrelic: NewRelicAccount | None = None
    """An account at New Relic."""
    match: Annotated[list[Chosen], Field(min_length=1, max_length=100)]
    """PromQL selectors, such as `up` or `{__name__=~"system_.*"}`: what any of them selects is forwarded."""
    interval: Interval = 60
    """One point a series and interval: of gauges the newest value, of counters by how much they grew."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,63}$")] | None = None
    """Before each metric's name, e.g. `pantau.`."""
    tags: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,63}$")], str] = {}
    """With each point, e.g. `{env: production}`."""
    most_series: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Further series are left out, and counted: outside they cost money."""
    most_waiting: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """Points that wait while the system is away; the oldest are dropped, and counted."""

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if (self.datadog is None) == (self.newrelic is None):
            raise ValueError("needs either datadog or newrelic")
        return self

    @property
    def account(self) -> DatadogAccount | NewRelicAccount:
        """Where to."""
        found = self.datadog or self.newrelic
        assert found is not None, "one of the two is there"
        return found

    @property
    def label(self) -> str:
        """What metrics and logs call it."""
        return self.name or ("datadog" if self.datadog is not None else "newrelic")

    def selectors(self) -> tuple[Selector, ...]:
        """`match`, read."""
        return selectors_of(self.match)
