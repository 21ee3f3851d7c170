"""What becomes of a message that a WhatsApp gateway did not take."""

from typing import Any

import pytest

from services.notifier.core.gateway_outcomes import outcome_of
from services.notifier.core.outcomes import Outcome, Permanent, Retry
from shared.whatsapp.errors import GatewayError


def meta(code: int, status: int = 400, retry_after: str | None = None) -> GatewayError:
    said = {"error": {"message": "Malformed access token EAAB-geheim for 628110000000", "code": code}}
    reason = "unauthorized" if status == 401 else "server_error" if status >= 500 else "http_error"
    return GatewayError(reason, f"/messages: the gateway answered {status}", status, said, retry_after)


@pytest.mark.parametrize(
    ("error", "kind", "reason", "after"),
    [
        (meta(130429, 429), Retry, "rate_limited", 60.0),
        (meta(131056, 400, "7"), Retry, "rate_limited", 7.0),
        (meta(80007), Retry, "rate_limited", 60.0),
        (meta(131000, 500), Retry, "server_error", None),
        (meta(2, 503, "3"), Retry, "server_error", 3.0),
        (meta(131026), Permanent, "undeliverable", None),
        (meta(131030), Permanent, "undeliverable", None),
        (meta(190, 401), Permanent, "unauthorized", None),
        (meta(200, 403), Permanent, "unauthorized", None),
        (meta(131047), Permanent, "window_closed", None),
        (meta(470), Permanent, "window_closed", None),
        (meta(131049), Permanent, "withheld", None),
        (meta(133010), Permanent, "sender", None),
        (meta(131005, 403), Permanent, "unauthorized", None),
        (meta(132001, 404), Permanent, "template", None),
        (meta(131042), Permanent, "payment", None),
        (meta(368, 403), Permanent, "blocked", None),
        (meta(999_999), Permanent, "http_error", None),
        (meta(999_999, 500), Retry, "server_error", None),
    ],
)
def test_metas_codes(error: GatewayError, kind: type[Outcome], reason: str, after: float | None) -> None:
    outcome = outcome_of(error, now_ms=0)
    assert isinstance(outcome, kind)
    assert not isinstance(outcome, Retry) or outcome.after_seconds == after
    assert isinstance(outcome, Retry | Permanent)
    assert outcome.reason == reason
    assert "geheim" not in outcome.detail
    assert "628" not in outcome.detail


def waha(status: int, said: Any) -> GatewayError:
    reason = "unauthorized" if status == 401 else "server_error" if status >= 500 else "http_error"
    return GatewayError(reason, "/api/sendText", status, said)


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (waha(422, {"message": "Session status is SCAN_QR_CODE, expected WORKING"}), Retry, "session"),
        (waha(422, {"error": "Session status is not as expected. Try again later"}), Retry, "session"),
        (waha(404, {"message": "Session 'x' does not exist"}), Retry, "session"),
        (waha(422, {"message": "chatId must be a string"}), Permanent, "http_error"),
        (waha(404, None), Permanent, "http_error"),
        (waha(401, {"message": "Unauthorized"}), Permanent, "unauthorized"),
        (waha(500, {"message": "no session"}), Retry, "server_error"),
        (waha(408, None), Retry, "http_error"),
        (GatewayError("rate_limited", "", 429, None, "11"), Retry, "rate_limited"),
        (GatewayError("redirected", "", 302), Permanent, "redirected"),
        (GatewayError("timeout", ""), Retry, "timeout"),
        (GatewayError("refused", ""), Retry, "refused"),
        (GatewayError("bad_json", ""), Retry, "bad_json"),
        (GatewayError("not_taken", ""), Retry, "not_taken"),
        # The file of the key is gone for a moment: that was no answer of the gateway's.
        (GatewayError("unauthorized", "api_key_file: can't be read"), Retry, "unauthorized"),
    ],
)
def test_others(error: GatewayError, kind: type[Outcome], reason: str) -> None:
    outcome = outcome_of(error, now_ms=0)
    assert isinstance(outcome, kind)
    assert isinstance(outcome, Retry | Permanent)
    assert outcome.reason == reason
    if isinstance(outcome, Retry):
        assert outcome.after_seconds == (11.0 if error.retry_after else None)
