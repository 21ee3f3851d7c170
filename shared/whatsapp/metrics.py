"""The metrics of WhatsApp gateways: the first part the collector asks for, the second api counts from webhooks."""

from shared.metrics import Metric

_GATEWAY = ("gateway",)
_SESSION = ("gateway", "session")

UP = Metric(
    "whatsapp_up", "gauge", "", "1 if everything that the gateway was asked it answered in time, else 0", _GATEWAY
)
ERRORS = Metric(
    "whatsapp_errors_total", "counter", "", "What went wrong with the gateway, by reason", ("gateway", "reason")
)
LATENCY = Metric(
    "whatsapp_api_latency_seconds",
    "histogram",
    "seconds",
    "How long the gateway took for a request, to the last byte of its answer",
    ("gateway", "method", "endpoint"),
)
INFO = Metric(
    "whatsapp_info", "gauge", "", "1, with what the gateway is in its labels", ("gateway", "kind", "version", "engine")
)
SESSION_STATUS = Metric(
    "whatsapp_session_status",
    "gauge",
    "",
    "State set: 1 for the status that the gateway tells of the session, 0 for the others",
    ("gateway", "session", "status"),
)
CONNECTED = Metric(
    "whatsapp_session_connected",
    "gauge",
    "",
    "1 if by the gateway's own word the session can send, else 0; the canary says whether that is true",
    _SESSION,
)
QUALITY = Metric(
    "whatsapp_quality_rating",
    "gauge",
    "",
    "State set: how Meta rates the number (GREEN, YELLOW, RED, UNKNOWN)",
    ("gateway", "session", "rating"),
)
QUEUE_SIZE = Metric("whatsapp_queue_size", "gauge", "", "Messages that wait to be sent", _GATEWAY)
QUEUE_OLDEST = Metric(
    "whatsapp_queue_oldest_message_age_seconds",
    "gauge",
    "seconds",
    "For how long the oldest of them has waited; 0 if none waits",
    _GATEWAY,
)
MESSAGES = Metric(
    "whatsapp_messages_total",
    "counter",
    "",
    "Messages, by what they are and how far they came (sent, delivered, read, played, failed); instance is who counted",
    ("gateway", "instance", "type", "status"),
)

CANARY_UP = Metric(
    "whatsapp_canary_up", "gauge", "", "1 if the last canary message was acknowledged in time, else 0", _SESSION
)
CANARY_LATENCY = Metric(
    "whatsapp_canary_latency_seconds",
    "gauge",
    "seconds",
    "How long the last canary that arrived took, from sending to acknowledgement",
    _SESSION,
)
CANARY_SUCCESS = Metric(
    "whatsapp_canary_last_success_timestamp_seconds",
    "gauge",
    "seconds",
    "When the last canary was acknowledged, since the epoch",
    _SESSION,
)
CANARIES = Metric(
    "whatsapp_canaries_total",
    "counter",
    "",
    "Canary messages, by result: acknowledged, late, failed (WhatsApp refused it), unsent (the gateway took none)",
    ("gateway", "session", "result"),
)

COLLECTED: tuple[Metric, ...] = (
    *(UP, ERRORS, LATENCY, INFO, SESSION_STATUS, CONNECTED, QUALITY, QUEUE_SIZE, QUEUE_OLDEST, MESSAGES),
    *(CANARY_UP, CANARY_LATENCY, CANARY_SUCCESS, CANARIES),
)

ACK_LATENCY = Metric(
    "whatsapp_acknowledgement_latency_seconds",
    "histogram",
    "seconds",
    "From sending a message to its status: sent (at WhatsApp), delivered (on the device), read",
    ("gateway", "instance", "status"),
)
DELIVERY_RATE = Metric(
    "whatsapp_delivery_rate",
    "gauge",
    "percent",
    "Of the messages sent between two cohorts and one cohort ago, e.g. 10 to 5 min, those delivered within one cohort",
    ("gateway", "instance", "cohort"),
)
COHORT_SIZE = Metric(
    "whatsapp_cohort_messages",
    "gauge",
    "",
    "How many messages that rate is of; 0: there is no rate",
    ("gateway", "instance", "cohort"),
)
SESSION_CHANGES = Metric(
    "whatsapp_session_changes_total",
    "counter",
    "",
    "Changes of a session to a status, as the gateway's webhook tells at once",
    ("gateway", "instance", "session", "status"),
)
RECEIPTS = Metric(
    "whatsapp_webhooks_total",
    "counter",
    "",
    "Webhooks with a good signature, by what became of them: counted, ignored (of no interest here), too_old, invalid",
    ("gateway", "instance", "outcome"),
)

RECEIVED: tuple[Metric, ...] = (MESSAGES, ACK_LATENCY, DELIVERY_RATE, COHORT_SIZE, SESSION_CHANGES, RECEIPTS)
