"""An alert that never was, to show what people would be told."""

from services.notifier.core.notice import Notice, NoticedAlert, Occasion, Status
from services.notifier.core.wording import Language
from shared.messages.access import Recipient
from shared.messages.alerts import AlertEvent, alert_id, event_id, fingerprint

LASTED_MS = 754_000
EXPR = "mikrotik_cpu_usage_percent > 90"
# The ranges that are set aside for examples.
PERSON = Recipient(id="sample", name="Ani", whatsapp="6281200000000", email="ani@example.net", telegram="1")


def sample_event(status: Status, now_ms: int, number: int = 0) -> AlertEvent:
    """A router whose processor is busy, since a while before `now_ms`."""
    router, rule = f"bras-{number + 1}", "router_cpu_high"
    labels = {"alertname": rule, "router": router, "site": "Depok", "severity": "critical"}
    identity, began_ms = alert_id("isp-routers", rule, labels), now_ms - LASTED_MS
    over = status != "firing"
    return AlertEvent(
        id=event_id(identity, began_ms, 3 if over else 2),
        alert_id=identity,
        fingerprint=fingerprint(labels),
        group="isp-routers",
        rule=rule,
        rule_version="sample",
        episode=began_ms,
        transition=3 if over else 2,
        state="resolved" if over else "firing",
        previous_state="firing" if over else "pending",
        instant=now_ms if over else began_ms,
        labels=labels,
        annotations={"subscribers": "312", "runbook_url": "https://example.net/runbooks/router-cpu"},
        severity="critical",
        message=f"The processor of router {router} has been above 90% for 10 minutes",
        value=93.25,
        expr=EXPR,
        threshold=90.0,
        for_ms=600_000,
        fired_at=began_ms,
    )


def sample_notice(
    events: list[AlertEvent], receiver: str, occasion: Occasion, language: Language, now_ms: int, to_person: bool
) -> Notice:
    """A notice of `events` to `receiver`; to a person that never was, where it tells people one by one."""
    alerts = tuple(NoticedAlert(one, "firing" if one.state == "firing" else "resolved") for one in events)
    first = events[0].labels
    names = ("alertname", "site")
    group = {name: first[name] for name in names if all(one.labels.get(name, "") == first.get(name) for one in events)}
    person = PERSON.model_copy(update={"language": language}) if to_person else None
    return Notice("0" * 32, receiver, occasion, f"{{}}:{group}", group, alerts, now_ms, person)
