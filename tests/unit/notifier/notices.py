"""Notices and wordings for tests of what people are told."""

from zoneinfo import ZoneInfo

from services.notifier.core.notice import Notice, NoticedAlert, Occasion, Status
from services.notifier.core.wording import Language, Wording
from shared.messages.access import Recipient
from shared.messages.alerts import AlertEvent
from tests.unit.notifier.events import alert_event

BEGAN = 1_795_449_900_000  # Monday 23 Nov 2026 16:05 UTC, 23:05 in Jakarta
HOUR = 3_600_000
WICKED = 'a <b>bold</b> *star* _line_ `code` @everyone <!channel> [x](http://evil) & "q" \\ 100% {{ .x }}'


class FixedLinks:
    """Links that a test knows."""

    def acknowledge_url(self, alert: AlertEvent, now_ms: int, person: str | None = None) -> str:
        return f"https://pantau.example/a/{alert.transition}?to={person}&t={now_ms}"

    def silence_url(self, alert: AlertEvent, now_ms: int, person: str | None = None) -> str:
        return f"https://pantau.example/s/{alert.transition}"


def wording(language: Language = "en", links: bool = False) -> Wording:
    return Wording("https://pantau.example", ZoneInfo("Asia/Jakarta"), language, FixedLinks() if links else None)


def told(
    rule: str = "router_down", status: Status = "firing", message: str = "Router is gone", **more: object
) -> NoticedAlert:
    labels = {"alertname": rule, "router": "bras-1", "site": "Depok", "severity": "critical"}
    changes: dict[str, object] = {
        "message": message,
        "labels": labels,
        "severity": "critical",
        "fired_at": BEGAN,
        "threshold": None,
        "expr": "mikrotik_cpu_usage_percent > 90",
        "value": 93.25,
    }
    over = status != "firing"
    event = alert_event(
        rule, 3 if over else 2, "resolved" if over else "firing", BEGAN + (HOUR if over else 0), BEGAN, **changes | more
    )
    return NoticedAlert(event, status)


def notice(*alerts: NoticedAlert, occasion: Occasion = "change", to: Recipient | None = None, **muted: int) -> Notice:
    key = '{}/{severity="critical"}:{router="bras-1"}'
    return Notice(
        "0123456789abcdef", "ops", occasion, key, {"router": "bras-1"}, alerts or (told(),), BEGAN + 5_000, to, muted
    )
