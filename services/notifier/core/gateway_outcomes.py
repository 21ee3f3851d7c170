"""What it means when a WhatsApp gateway does not take a message."""

from collections.abc import Iterable
from typing import Any

from services.notifier.core.outcomes import Outcome, Permanent, Retry
from services.notifier.core.retrying import asked_wait_seconds
from shared.whatsapp.answers import cloud_error_code
from shared.whatsapp.errors import GatewayError

# Meta asks for patience in minutes, and says so without a Retry-After.
RATE_SECONDS = 60.0

# Meta's codes of the Cloud API, by what they mean for us: trying again helps ...
_RATE = frozenset({4, 80007, 130429, 131048, 131056, 133016})
_TEMPORARY = frozenset({1, 2, 131000, 131016, 131057, 133004})
# ... or does not: codes, reason, in words.
_FINAL: tuple[tuple[Iterable[int], str, str], ...] = (
    ((0, 3, 10, 190, *range(200, 300), 131005), "unauthorized", "the access token is not valid, or lacks rights"),
    ((368, 131031), "blocked", "the business account is locked"),
    ((33, 131037, 131045, 133010), "sender", "the number that sends is not registered, or its name not approved"),
    ((131042,), "payment", "the business account can't be charged"),
    ((131021, 131026, 131030, 130497), "undeliverable", "this number can't be reached through WhatsApp"),
    (
        (130472, 131049, 131050),
        "withheld",
        "Meta holds marketing messages back: the template is to be of category utility",
    ),
    ((131047, 470), "window_closed", "more than 24 hours since the person wrote: configure a template"),
    (
        (132000, 132001, 132005, 132007, 132012, 132015, 132016, 132068, 132069),
        "template",
        "the template is not there, paused, or not of this form",
    ),
)
_PERMANENT = {code: (reason, words) for codes, reason, words in _FINAL for code in codes}


def outcome_of(error: GatewayError, now_ms: int) -> Outcome:
    """What `error` means; details are our own words, for gateways repeat tokens and numbers in theirs."""
    code = cloud_error_code(error.answer)
    asked = asked_wait_seconds(error.retry_after, now_ms)
    if code is not None and (found := _of_meta(code, asked)) is not None:
        return found
    if error.status is not None and _is_about_the_session(error.status, error.answer):
        return Retry("session", "the gateway's session is not connected", asked)
    detail = str(error) if code is None else f"{error}, Meta's code {code}"
    if error.reason == "rate_limited" or error.status in (408, 425):
        return Retry(error.reason, detail, asked)
    if error.reason in ("unauthorized", "redirected", "http_error") and error.status is not None:
        return Permanent(error.reason, detail)
    return Retry(error.reason, detail, asked)


def _of_meta(code: int, asked_seconds: float | None) -> Outcome | None:
    if code in _RATE:
        return Retry("rate_limited", f"Meta's code {code}: too many messages", asked_seconds or RATE_SECONDS)
    if code in _TEMPORARY:
        return Retry("server_error", f"Meta's code {code}: a trouble of theirs", asked_seconds)
    if code in _PERMANENT:
        reason, words = _PERMANENT[code]
        return Permanent(reason, f"Meta's code {code}: {words}")
    return None


def _is_about_the_session(status: int, answer: Any) -> bool:
    """WAHA: 422 while the session is in another state than WORKING, 404 where there is none (yet)."""
    said = answer.get("message", answer.get("error")) if isinstance(answer, dict) else None
    return status in (404, 422) and isinstance(said, str) and "session" in said.lower()
