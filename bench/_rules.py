"""The rules that run while something else is measured: those of a Prometheus rule file, or the same shape made here."""

from pathlib import Path

from shared import clock
from shared.messages.rules import AlertingRule, RuleGroup
from shared.rules.files import parse_rule_file

SHARED = Path(__file__).resolve().parents[2] / "shared" / "bench" / "rules-1000.yaml"
INTERVAL_MS = 15_000
SHAPES = (
    "{0} > 1e9",
    "rate({0}[5m]) > 1e9",
    "avg_over_time({0}[5m]) > 1e9",
    "max_over_time({0}[5m]) - min_over_time({0}[5m]) > 1e9",
    "sum by (route) (rate({0}[5m])) > 1e9",
    "sum(rate({0}[5m])) / count({0}) > 1e9",
    "quantile by (route) (0.99, {0}) > 1e9",
    "{0} > 2 * avg_over_time({0}[5m]) + 1e9",
    "absent({0})",
    "delta({0}[5m]) > 1e9",
)


def groups(rules: int, file: Path = SHARED) -> list[RuleGroup]:
    """The first groups of `file` that hold so many rules; without that file, ten rules over each of 100 metrics."""
    if file.exists():
        drafts = parse_rule_file(file.read_text(encoding="utf-8"), str(file))
        made = [draft.group(1, "bench", clock.now_ms()) for draft in drafts]
    else:
        made = [_group(metric) for metric in range(100)]
    chosen: list[RuleGroup] = []
    for group in made:
        left = rules - sum(len(one.rules) for one in chosen)
        if left > 0:
            chosen.append(group.model_copy(update={"rules": group.rules[:left]}))
    return chosen


def _group(metric: int) -> RuleGroup:
    return RuleGroup(
        name=f"metric-{metric}",
        rules=[
            AlertingRule(name=f"Metric{metric}Shape{number}", expr=shape.format(f"app_metric_{metric}_total"))
            for number, shape in enumerate(SHAPES)
        ],
        interval_ms=INTERVAL_MS,
        version=1,
        origin="file",
        updated_by="bench",
        updated_at=clock.now_ms(),
    )
