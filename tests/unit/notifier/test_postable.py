"""Alerts as Alertmanager takes them."""

from services.notifier.core.postable import Outside, postable_alerts
from services.notifier.core.resending import Push

PUSH = Push(
    labels={"alertname": "Slow", "site": "jkt", "empty": ""},
    annotations={"summary": "2 s"},
    expr='latency{job="a"} > 1',
    starts_at_ms=1_700_000_000_000,
    ends_at_ms=1_700_000_240_123,
    resolved=False,
)


def test_an_alert() -> None:
    assert postable_alerts([PUSH], Outside("https://pantau.example/p")) == [
        {
            "labels": {"alertname": "Slow", "site": "jkt"},
            "annotations": {"summary": "2 s"},
            "startsAt": "2023-11-14T22:13:20.000Z",
            "endsAt": "2023-11-14T22:17:20.123Z",
            "generatorURL": "https://pantau.example/p/graph?g0.expr=latency%7Bjob%3D%22a%22%7D+%3E+1&g0.tab=1",
        }
    ]


def test_external_labels_fill_what_an_alert_lacks() -> None:
    outside = Outside("https://p", {"site": "bdg", "replica": "a", "empty": "not so", "none": ""})
    (alert,) = postable_alerts([PUSH], outside)
    assert alert["labels"] == {"alertname": "Slow", "site": "jkt", "replica": "a", "empty": "not so"}
