"""The silences that are known, whatever comes first; and secrets in a configuration that is shown."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.core.alertmanager_config import SECRET, without_secrets
from services.api.core.link_page import View, language_of, page
from services.api.core.receiver_bodies import DestinationBody
from services.api.core.receivers import Deliveries, quantile
from services.api.core.silences import Silences, exact_matchers, state
from shared.messages.notifications import Notification
from shared.messages.silences import Matcher, Silence

NOW = 1_795_428_900_000


def silence(id: str = "s", **more: object) -> Silence:
    fields = {"id": id, "kind": "silence", "matchers": [Matcher(name="a", value="b")], "starts_at": NOW,
              "ends_at": NOW + 1_000, "created_by": "me", "created_at": NOW, "comment": "c"}  # fmt: skip
    return Silence.model_validate(fields | more)


MESSAGES = [("a", silence("a")), ("b", silence("b")), ("a", silence("a", comment="d")), ("b", None), ("a", None),
            ("a", silence("a", comment="e"))]  # fmt: skip


@given(st.lists(st.integers(0, len(MESSAGES) - 1), max_size=30))
def test_the_last_word_on_the_bus_counts_in_whatever_order_it_is_learnt(order: list[int]) -> None:
    known = Silences()
    for offset in order:
        known.put(*MESSAGES[offset], offset)
    for id in ("a", "b"):
        last = max((offset for offset in order if MESSAGES[offset][0] == id), default=None)
        assert known.get(id) == (None if last is None else MESSAGES[last][1])


@pytest.mark.parametrize(
    ("episodes", "expected"), [({"x": 5}, "active"), ({"x": 6}, "expired"), ({}, "expired"), ({"y": 5}, "expired")]
)
def test_an_acknowledgement_is_over_with_its_episode(episodes: dict[str, int], expected: str) -> None:
    one = silence(kind="acknowledgement", alert_id="x", episode=5)
    assert state(one, episodes, NOW) == expected


def test_matchers_of_many_labels_begin_with_the_name_of_the_alert() -> None:
    found = exact_matchers({f"l{number:03}": "v" for number in range(100)} | {"alertname": "X"})
    assert (len(found), found[0].name) == (64, "alertname")


def test_secrets_are_hidden_and_places_are_not() -> None:
    shown = without_secrets(
        {
            "global": {
                "smtp_auth_password": "p",
                "smtp_from": "a@b",
                "slack_api_url_file": "/x",
                "api_key": "k",
            },
            "receivers": [
                {
                    "name": "r",
                    "webhook_configs": [{"url": "u", "http_config": {"basic_auth": {"password": "c"}}}],
                },
                {"name": "t", "telegram_configs": [{"bot_token": "t", "chat_id": 5, "headers": {"X-A": "h"}}]},
                {"name": "p", "pagerduty_configs": [{"routing_key": "s", "url": None}]},
            ],
        }
    )
    assert shown["global"] == {
        "smtp_auth_password": SECRET, "smtp_from": "a@b", "slack_api_url_file": "/x", "api_key": SECRET,
    }  # fmt: skip
    one, two, three = shown["receivers"]
    assert one["webhook_configs"] == [{"url": SECRET, "http_config": {"basic_auth": {"password": SECRET}}}]
    assert two["telegram_configs"] == [{"bot_token": SECRET, "chat_id": 5, "headers": {"X-A": SECRET}}]
    assert three["pagerduty_configs"] == [{"routing_key": SECRET, "url": None}]


def delivery(id: str, state: str, at: int = NOW, **more: object) -> Notification:
    fields = {"id": id, "event_id": "e", "alert_id": "a", "receiver": "ops", "channel": "webhook", "at": at}
    return Notification.model_validate(fields | {"destination": "ops/webhook/0", "state": state} | more)


def only(known: Deliveries) -> DestinationBody:
    (receiver,) = known.bodies([], NOW)
    (destination,) = receiver.destinations
    return destination


def test_a_delivery_that_is_told_twice_counts_once() -> None:
    known = Deliveries()
    for one in [delivery("n", "planned"), delivery("n", "sent", latency_ms=5.0)] * 2:
        known.put(one)
    found = only(known)
    assert (found.sent, found.waiting, found.p50_ms, found.failing) == (1, 0, 5.0, False)


def test_what_was_a_day_ago_is_not_counted_any_more() -> None:
    known = Deliveries()
    known.put(delivery("n", "sent", NOW - 26 * 3_600_000, latency_ms=5.0))
    known.put(delivery("m", "failed", NOW, reason="no"))
    found = only(known)
    assert (found.sent, found.failed, found.p50_ms, found.failing) == (0, 1, None, True)


def test_what_mutes_an_alert_for_everybody_is_about_no_receiver() -> None:
    known = Deliveries()
    known.put(
        delivery("n", "planned").model_copy(update={"receiver": "", "destination": "", "muted_by": ["silence:s"]})
    )
    assert known.bodies([], NOW) == []


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [([], 0.5, None), ([3.0], 0.95, 3.0), ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0), ([1.0, 2.0], 0.95, 2.0)],
)
def test_quantiles_are_values_that_there_were(values: list[float], q: float, expected: float | None) -> None:
    assert quantile(values, q) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("", "id"), ("en-GB,en;q=0.9", "en"), ("fr,in;q=0.5", "id"), ("de, EN-us;q=0.3", "en"), ("*", "id")],
)
def test_the_language_of_a_browser(accept: str, expected: str) -> None:
    assert language_of(accept, "id") == expected


def test_a_page_without_an_alert_says_why() -> None:
    html = page(View("expired", "en", ZoneInfo("Asia/Jakarta"), 'https://p.example/?a=1&b="<'))
    assert "This link has expired" in html
    assert "<form" not in html
    assert 'href="https://p.example/?a=1&amp;b=&quot;&lt;"' in html
