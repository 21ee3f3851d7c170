"""Signatures of the Standard Webhooks specification (symmetric, `v1`)."""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64


def key_of(secret: str) -> bytes:
    """The key in `whsec_` + base64 of 24 to 64 bytes (the prefix may be missing). ValueError otherwise."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"a webhook secret is {PREFIX} followed by base64") from None
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"a webhook secret holds {SHORTEST_KEY} to {LONGEST_KEY} bytes in base64, this one {len(key)}")
    return key


def signature(key: bytes, message_id: str, timestamp_seconds: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    signed = f"{message_id}.{timestamp_seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
