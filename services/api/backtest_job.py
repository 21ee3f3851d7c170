"""What the process that runs a backtest is told, on its standard input."""

from pydantic import BaseModel, ConfigDict

from shared.messages.rules import RuleGroup
from shared.settings import LogSettings


class BacktestJob(BaseModel):
    """One backtest. Instants and durations are ms unless they say otherwise."""

    model_config = ConfigDict(frozen=True)

    dsn: str
    log: LogSettings
    groups: list[RuleGroup]
    current: list[RuleGroup] | None
    """What they are compared with; None: with nothing."""
    start_ms: int
    end_ms: int
    evidence: bool
    evaluation_interval_ms: int
    """The grid of groups that don't name theirs."""
    dark_after_ms: int
    external_url: str
    external_labels: dict[str, str]
    most_seconds: float
    most_samples: int
    most_series: int
    most_transitions: int
    most_instants: int
    most_megabytes: int
