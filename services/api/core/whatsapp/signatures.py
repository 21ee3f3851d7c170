"""Whether a webhook comes from who holds the key. All comparisons take the same time, whatever is wrong."""

import hashlib
import hmac
import re
from collections.abc import Mapping

CHALLENGE = re.compile(r"[A-Za-z0-9_.-]{1,200}")


def waha_signed(body: bytes, headers: Mapping[str, str], key: str) -> bool:
    """WAHA: `X-Webhook-Hmac` is the HMAC-SHA512 of the body, in hex. `headers` have lower-case names."""
    if headers.get("x-webhook-hmac-algorithm", "sha512").lower() != "sha512":
        return False
    return _same(headers.get("x-webhook-hmac", ""), hmac.new(key.encode(), body, hashlib.sha512).hexdigest())


def meta_signed(body: bytes, headers: Mapping[str, str], key: str) -> bool:
    """Meta: `X-Hub-Signature-256` is `sha256=` and the HMAC-SHA256 of the body with the app's secret, in hex."""
    expected = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return _same(headers.get("x-hub-signature-256", ""), f"sha256={expected}")


def answer_to_handshake(query: Mapping[str, str], verify_token: str) -> str | None:
    """What Meta wants to hear when a webhook is set up: its own challenge; None if it is not Meta that asks."""
    challenge = query.get("hub.challenge", "")
    knows = _same(query.get("hub.verify_token", ""), verify_token)
    # What is echoed must not be anything that a browser could take for more than text.
    return challenge if knows and query.get("hub.mode") == "subscribe" and CHALLENGE.fullmatch(challenge) else None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="surrogateescape"), other.encode())
