"""What alerting counts of itself."""

from prometheus_client import Counter, Gauge, Histogram

from services.alerting.core.outputs import Outputs

EVALUATIONS = Counter("pantau_alerting_evaluations_total", "Evaluations of one rule at one instant")
FAILURES = Counter("pantau_alerting_evaluation_failures_total", "Evaluations without an answer", ["group"])
TRANSITIONS = Counter("pantau_alerting_transitions_total", "Transitions of alerts", ["state"])
UNKNOWN = Counter("pantau_alerting_unknown_instants_total", "Instants of a group without a sign of any collector")
PASSED_OVER = Counter(
    "pantau_alerting_passed_over_instants_total",
    "Instants of groups that waited for others, or for history, until their samples had to be let go",
)
LATE = Counter(
    "pantau_alerting_late_samples_total", "Samples that came after an instant that they belong to had been evaluated"
)
TOO_LATE = Counter(
    "pantau_alerting_samples_too_late_total",
    "Samples refused because they were too far behind their source",
    ["source"],
)
AHEAD = Gauge("pantau_alerting_sources_ahead", "Sources whose clock is ahead of the broker's")
EVALUATION_SECONDS = Histogram(
    "pantau_alerting_evaluation_seconds", "Time to evaluate a group, at one instant or several that were missed"
)
WINDOW_BYTES = Gauge("pantau_alerting_window_bytes", "Memory for the samples in windows", ["partition"])
GROUPS_REFUSED = Gauge("pantau_alerting_groups_refused", "Rule groups that are not evaluated at all", ["partition"])
REFUSED = Counter(
    "pantau_alerting_samples_refused_total", "Samples that don't count for a group, by reason", ["reason"]
)
ROUTED = Counter("pantau_alerting_batches_routed_total", "Sample batches looked at by the router")
LEFT_OUT = Counter(
    "pantau_alerting_left_out_total", "Messages that the stream left out at a rebalance, read beside it", ["topic"]
)
FILLS = Counter("pantau_alerting_fills_total", "Times that windows were filled from older samples")
SKIPPED_IN_FILL = Counter("pantau_alerting_fill_batches_skipped_total", "Unreadable batches met while filling windows")
LAG = Gauge("pantau_alerting_watermark_lag_seconds", "How far event time is behind the broker's clock", ["partition"])
BEHIND = Gauge("pantau_alerting_behind_seconds", "How long the oldest instant that is due has waited", ["partition"])
GROUPS = Gauge("pantau_alerting_groups", "Rule groups at work here", ["partition"])
SERIES = Gauge("pantau_alerting_series", "Series in the windows here", ["partition"])
HELD = Gauge("pantau_alerting_rules_held", "Rules that this version can't evaluate", ["partition"])
SNAPSHOT_BYTES = Gauge("pantau_alerting_snapshot_bytes", "Bytes written by the last snapshot", ["partition"])
SNAPSHOT_SECONDS = Histogram("pantau_alerting_snapshot_seconds", "Time to take and store a snapshot")
RECOVERY_SECONDS = Histogram("pantau_alerting_restore_seconds", "Time to take up a partition from its snapshot")


def count(outputs: Outputs) -> None:
    """Count what a piece of the fold brought forth."""
    EVALUATIONS.inc(outputs.evaluations)
    UNKNOWN.inc(outputs.unknown_instants)
    PASSED_OVER.inc(outputs.passed_over)
    for event in outputs.events:
        TRANSITIONS.labels(event.state).inc()
    for reason, number in outputs.refused.items():
        if number:
            REFUSED.labels(reason).inc(number)
    LATE.inc(outputs.late)
    for source, number in outputs.too_late.items():
        if number:
            TOO_LATE.labels(source).inc(number)
    for failure in outputs.failures:
        FAILURES.labels(failure.group).inc()
