"""What gateways are sent."""

import json

import pytest

from shared.whatsapp.answers import cloud_error_code, cloud_message
from shared.whatsapp.bodies import cloud_template, cloud_text, filled, one_line, waha_text
from shared.whatsapp.errors import GatewayError
from shared.whatsapp.settings import RateSettings


def test_waha_is_told_the_chat() -> None:
    assert waha_text("ops", "628110000000", "a\nb") == {
        "session": "ops",
        "chatId": "628110000000@c.us",
        "text": "a\nb",
    }
    assert waha_text("ops", "120363000000000000@g.us", "a")["chatId"] == "120363000000000000@g.us"


def test_meta_gets_free_text_or_a_template() -> None:
    assert cloud_text("628110000000", "a\nb") == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "628110000000",
        "type": "text",
        "text": {"preview_url": False, "body": "a\nb"},
    }
    assert cloud_template("628110000000", "alert", "id", ["a\n\tb", ""]) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "628110000000",
        "type": "template",
        "template": {
            "name": "alert",
            "language": {"code": "id"},
            "components": [
                {
                    "type": "body",
                    "parameters": [{"type": "text", "text": "a · b"}, {"type": "text", "text": "-"}],
                }
            ],
        },
    }
    assert cloud_template("1", "alert", "en_US", [])["template"] == {"name": "alert", "language": {"code": "en_US"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("  a\r\n\r\nb\t", "a · b"), ("a      b", "a   b"), ("a\u2028b", "a · b"), ("\n", "-"), ("a   b", "a   b")],
)
def test_parameters_are_as_meta_takes_them(text: str, expected: str) -> None:
    assert one_line(text) == expected


def test_other_gateways_get_what_is_configured_and_nothing_of_a_text_is_a_placeholder() -> None:
    body = {"phone": "+{to}", "list": [{"message": "{text}"}, 3, None, True], "{to}": "{id}-{other}"}
    assert filled(body, {"to": "62811", "text": "{id} {to} {{x}}", "id": "n"}) == {
        "phone": "+62811",
        "list": [{"message": "{id} {to} {{x}}"}, 3, None, True],
        "{to}": "n-{other}",
    }


def test_what_meta_answers() -> None:
    assert cloud_message({"messages": [{"id": "wamid.1"}]}) == "wamid.1"
    for answer in ("null", "[]", "{}", '{"messages": []}', '{"messages": [{}]}', '{"messages": [{"id": 3}]}'):
        with pytest.raises(GatewayError, match="no id"):
            cloud_message(json.loads(answer))
    assert cloud_error_code({"error": {"code": 131026}}) == 131026
    for answer in ("null", "[]", '{"error": "x"}', '{"error": {"code": "190"}}', '{"error": {"code": true}}'):
        assert cloud_error_code(json.loads(answer)) is None


@pytest.mark.parametrize(
    ("per_minute", "burst", "window"),
    [(20, 5, (5, 15)), (60, 1, (1, 1)), (6_000, 1, (100, 1)), (1, 5, (5, 300)), (7, 1, (1, 9)), (0.5, 1, (1, 120))],
)
def test_the_rate_holds_in_the_long_run_and_at_once(per_minute: float, burst: int, window: tuple[int, int]) -> None:
    messages, seconds = RateSettings(per_minute=per_minute, burst=burst).window()
    assert (messages, seconds) == window
    assert messages / seconds * 60 <= per_minute
