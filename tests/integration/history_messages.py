"""Messages of every topic that history reads."""

from typing import Any

from shared import clock
from shared.bus import Outgoing
from shared.messages.alerts import AlertEvent, alert_id, event_id
from shared.messages.audit import AuditEntry
from shared.messages.health import HealthResult
from shared.messages.notifications import Notification, NotifiedAlert
from shared.messages.requests import RequestLog, RequestLogBatch
from shared.messages.rules import AlertingRule, RuleGroup
from shared.messages.samples import Sample, SampleBatch
from shared.messages.silences import Matcher, Silence
from shared.messages.topics import ALERT_EVENTS, AUDIT, HEALTH, NOTIFICATIONS, REQUESTS, RULES, SAMPLES, SILENCES


def samples(name: str, count: int, value: float = 1.0) -> Outgoing:
    """A message with a series for each of `count` samples."""
    now = clock.now_ms()
    batch = SampleBatch.of(f"push/{name}", [Sample(f'{name}{{n="{n}"}}', now, value + n) for n in range(count)])
    return Outgoing(SAMPLES, batch.source, batch)


def alert_events(rule: str) -> list[Outgoing]:
    """pending, firing, firing again, resolved of one episode."""
    episode = clock.now_ms()
    alert = alert_id("g", rule, {"alertname": rule})

    def event(transition: int, state: Any, previous: Any) -> AlertEvent:
        return AlertEvent(
            id=event_id(alert, episode, transition),
            alert_id=alert,
            fingerprint="f",
            group="g",
            rule=rule,
            rule_version="v",
            episode=episode,
            transition=transition,
            state=state,
            previous_state=previous,
            instant=episode + transition * 1000,
            labels={"alertname": rule},
            severity="critical",
            message="m",
            value=float("nan"),
            expr="up == 0",
        )

    firing = event(2, "firing", "pending")
    events = [event(1, "pending", "inactive"), firing, firing, event(3, "resolved", "firing")]
    return [Outgoing(ALERT_EVENTS, alert, one) for one in events]


def one_of_each(mark: str) -> list[Outgoing]:
    """Messages of every topic that history reads, some of them twice; `mark` is in their identities."""
    now = clock.now_ms()
    health = HealthResult(
        check=mark,
        kind="http",
        status="degraded",
        response_time_ms=1.25,
        details={"code": 500},
        checked_at=now,
        valid_until=now + 1,
    )
    log = RequestLog.model_validate(
        {
            "id": mark,
            "method": "GET",
            "route": "/x/{id}",
            "status_code": 200,
            "response_time_ms": 2.5,
            "ip_address": "192.0.2.7",
            "timestamp": now,
            "response_size": 2**40,
        }
    )
    requests = RequestLogBatch(source="billing", requests=[log, log])
    rules = RuleGroup(
        name=mark,
        rules=[AlertingRule(name=mark, expr="up == 0")],
        version=1,
        origin="api",
        updated_by="ana",
        updated_at=now,
    )
    silence = Silence(
        id=mark,
        kind="silence",
        matchers=[Matcher(name="a", value="b")],
        starts_at=now,
        ends_at=now + 1,
        created_by="ana",
        created_at=now,
        comment="c",
    )
    step = {"event_id": mark, "alert_id": mark, "receiver": "r", "channel": "log", "at": now}
    delivery = f"{mark}-sent"
    planned = Notification(id=delivery, state="planned", **step)
    sent = Notification(id=delivery, state="sent", attempt=1, latency_ms=3.5, **step)
    held = NotifiedAlert(
        alert_id=mark, event_id=mark, episode=now, transition=2, status="firing", muted_since=now, muted_until=None
    )
    begun = Notification(id=f"{mark}-held", state="planned", muted_by=["silence:s"], alerts=[held], **step)
    over = held.model_copy(update={"event_id": f"{mark}-end", "status": "passed", "muted_until": now + 1_000})
    ended = begun.model_copy(update={"alerts": [over], "untold": ["ops/webhook/0"]})
    audit = AuditEntry(id=mark, at=now, actor="ana", action="rule.create", subject=mark, after={"a": [1, None]})
    return [
        samples(mark, 3),
        Outgoing(HEALTH, mark, health),
        Outgoing(HEALTH, mark, health),
        Outgoing(REQUESTS, "/x/{id}", requests),
        *alert_events(mark),
        Outgoing(RULES, mark, rules),
        Outgoing(RULES, mark, rules),
        Outgoing(RULES, mark, None),
        Outgoing(SILENCES, mark, silence),
        *(Outgoing(NOTIFICATIONS, delivery, one) for one in (planned, planned, sent)),
        *(Outgoing(NOTIFICATIONS, begun.id, one) for one in (begun, ended, begun)),
        Outgoing(AUDIT, mark, audit),
        Outgoing(AUDIT, mark, audit),
    ]
