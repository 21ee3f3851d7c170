"""What the notifier says of itself."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

ATTEMPTS = Counter(
    "pantau_notifications_total",
    "Attempts to notify, by outcome: delivered, retry or failed (for good)",
    ["receiver", "channel", "outcome", "reason"],
)
SKIPPED = Counter(
    "pantau_notifications_skipped_total",
    "Notifications not sent after all, by reason: done_elsewhere",
    ["receiver", "reason"],
)
EVENTS_SKIPPED = Counter(
    "pantau_notifier_events_skipped_total",
    "Alert events that nobody is told of, by reason: pending, inactive, shadow, repeated (it came twice)",
    ["reason"],
)
LATENCY = Histogram(
    "pantau_notification_latency_seconds",
    "From an alert event's evaluation instant to the receiver's answer",
    ["receiver", "channel"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1_800, 7_200, 86_400),
)
SAMPLE_LATENCY = Histogram(
    "pantau_notification_sample_latency_seconds",
    "From the newest sample that decided to the receiver's answer",
    ["receiver", "channel"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 30, 60, 120, 300, 900, 1_800, 7_200, 86_400),
)
MUTED = Counter(
    "pantau_notifier_muted_total",
    "Alerts that are held back, once for each beginning and reason: dependency, suspected, inhibited, silence, "
    "acknowledgement, mute-time, quiet-hours, cooldown, flapping, merged (its receiver was owed too much)",
    ["reason"],
)
CONFIRMATIONS = Counter(
    "pantau_notifier_confirmations_total",
    "Health checks asked to run because alerts wait to know whether they are down: asked, or bus_away",
    ["outcome"],
)
for _outcome in ("asked", "bus_away"):
    CONFIRMATIONS.labels(_outcome)
UNDIGESTED_DROPPED = Counter(
    "pantau_notifier_undigested_dropped_total",
    "What was held back, is over, and is told in no digest: too many waited, or the destination or event is gone",
)
WAITING = Gauge("pantau_notifier_deliveries_waiting", "What a receiver is still owed", ["receiver"])
PAUSED = Gauge("pantau_notifier_reading_paused", "1 while no events are read because too much waits in all")
MERGED = Counter(
    "pantau_notifier_merged_total",
    "Alerts that came and went while a receiver was owed too much: it is told how many",
    ["receiver"],
)
REMEMBERED = Gauge("pantau_notifier_deliveries_remembered", "Deliveries whose state is kept in memory")

ALERTMANAGER_SENT = Counter("pantau_notifier_alertmanager_sent_total", "Alerts that were taken", ["alertmanager"])
ALERTMANAGER_ERRORS = Counter(
    "pantau_notifier_alertmanager_errors_total", "Alerts in requests that failed", ["alertmanager"]
)
ALERTMANAGER_DROPPED = Counter(
    "pantau_notifier_alertmanager_dropped_total",
    "Alerts not delivered until they are due again, by reason: queue_full, outdated (too long in the queue), stopped, "
    "credentials, or how the request failed (http_500, timeout, connect, ...)",
    ["alertmanager", "reason"],
)
ALERTMANAGER_QUEUE = Gauge(
    "pantau_notifier_alertmanager_queue_length", "Alerts that wait for a request", ["alertmanager"]
)
ALERTMANAGER_LATENCY = Histogram(
    "pantau_notifier_alertmanager_latency_seconds",
    "How long requests took that succeeded",
    ["alertmanager"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ALERTMANAGER_ALERTS = Gauge(
    "pantau_notifier_alertmanager_alerts", "Alerts that Alertmanagers are told of: firing, resolved", ["state"]
)

GATEWAY_WAITING = Gauge(
    "pantau_notifier_gateway_waiting", "Notifications that wait for their turn at a WhatsApp gateway", ["gateway"]
)
GATEWAY_FREE = Gauge(
    "pantau_notifier_gateway_turns", "Notifications that the gateway's rate allows right now", ["gateway"]
)
GATEWAY_PUT_BACK = Counter(
    "pantau_notifier_gateway_put_back_total", "Notifications that got no turn in time and are tried again", ["gateway"]
)

FORWARD_SENT = Counter("pantau_notifier_forward_points_total", "Points that an outside system has taken", ["target"])
FORWARD_ERRORS = Counter(
    "pantau_notifier_forward_errors_total", "Requests with points that failed, by reason", ["target", "reason"]
)
FORWARD_DROPPED = Counter(
    "pantau_notifier_forward_dropped_total",
    "What is not forwarded: samples (too_many_series, out_of_order, not_finite), points (queue_full, too_old, stopped, "
    "or how they were refused: http_403, ...)",
    ["target", "reason"],
)
FORWARD_WAITING = Gauge("pantau_notifier_forward_points_waiting", "Points that an outside system is owed", ["target"])
FORWARD_SERIES = Gauge("pantau_notifier_forward_series", "Series that are forwarded", ["target"])

_shown: set[str] = set()


def show_waiting(waiting: Mapping[str, int]) -> None:
    """What each receiver is owed now; who is not among them is owed nothing."""
    _shown.update(waiting)
    for receiver in _shown:
        WAITING.labels(receiver).set(waiting.get(receiver, 0))
