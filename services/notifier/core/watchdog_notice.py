"""What the watchdog says, as a notice that every channel can render: an alert that no rule made."""

from services.notifier.core.notice import Notice, NoticedAlert
from services.notifier.core.watchdog import Kind, Page
from shared.messages.access import Recipient
from shared.messages.alerts import AlertEvent, alert_id, event_id, fingerprint
from shared.routing.people import Language

GROUP = "pantau-watchdog"
RULES: dict[Kind, str] = {
    "bus": "pantau_bus_silent",
    "alerting": "pantau_alerting_silent",
    "not_ready": "pantau_alerting_not_ready",
}
_FIRING: dict[Language, dict[Kind, str]] = {
    "en": {
        "bus": "Pantau hears nothing from its message bus (Kafka). Until it is back, no alerts arrive.",
        "alerting": "Pantau hears nothing from its alerting service. Until it is back, no alerts arrive.",
        "not_ready": "Pantau's alerting service is running and not working. Until it does, no alerts arrive.",
    },
    "id": {
        "bus": "Pantau tidak mendengar apa pun dari bus pesannya (Kafka). Selama itu tidak ada peringatan yang masuk.",
        "alerting": "Pantau tidak mendengar apa pun dari layanan alerting. Selama itu tidak ada peringatan yang masuk.",
        "not_ready": "Layanan alerting Pantau hidup tetapi tidak bekerja. Selama itu tidak ada peringatan yang masuk.",
    },
}
_OVER: dict[Language, dict[Kind, str]] = {
    "en": {
        "bus": "Pantau's message bus (Kafka) is back. What happened meanwhile is being made up for.",
        "alerting": "Pantau's alerting service is back. What happened meanwhile is being made up for.",
        "not_ready": "Pantau's alerting service is working again. What happened meanwhile is being made up for.",
    },
    "id": {
        "bus": "Bus pesan Pantau (Kafka) sudah kembali. Kejadian selama itu sedang disusulkan.",
        "alerting": "Layanan alerting Pantau sudah kembali. Kejadian selama itu sedang disusulkan.",
        "not_ready": "Layanan alerting Pantau sudah bekerja lagi. Kejadian selama itu sedang disusulkan.",
    },
}


def notice(
    page: Page, since_ms: int, now_ms: int, receiver: str, recipient: Recipient | None, language: Language
) -> Notice:
    """`page` for a receiver, in the language of the person or else `language`. `since_ms` and `now_ms` are of the wall
    clock: since when it is so, and now."""
    spoken = language if recipient is None else recipient.language
    labels = {"alertname": RULES[page.kind], "severity": "critical"}
    alert = alert_id(GROUP, RULES[page.kind], labels)
    event = AlertEvent(
        id=event_id(alert, since_ms, page.number + 1),
        alert_id=alert,
        fingerprint=fingerprint(labels),
        group=GROUP,
        rule=RULES[page.kind],
        rule_version="1",
        episode=since_ms,
        transition=page.number + 1,
        state="resolved" if page.over else "firing",
        previous_state="firing" if page.over or page.number else "inactive",
        instant=now_ms,
        labels=labels,
        annotations={"reasons": "; ".join(page.reasons)} if page.reasons else {},
        severity="critical",
        message=_message(page, spoken),
        value=(now_ms - since_ms) / 1000,
        expr="",
        fired_at=since_ms,
    )
    return Notice(
        id=page.id,
        receiver=receiver,
        occasion="change" if page.over or page.number == 0 else "repeat",
        group_key=f'{{}}:{{alertname="{RULES[page.kind]}"}}',
        group_labels={"alertname": RULES[page.kind]},
        alerts=(NoticedAlert(event, "resolved" if page.over else "firing"),),
        planned_ms=now_ms,
        recipient=recipient,
    )


def _message(page: Page, language: Language) -> str:
    text = (_OVER if page.over else _FIRING)[language][page.kind]
    return f"{text} ({'; '.join(page.reasons)[:300]})" if page.reasons else text
