"""Links in messages with which whoever has them may do one thing to one alert, once, until they expire.

A token is `version | action | alert id | episode | expiry | nonce | recipient | HMAC-SHA256 of all before`, base64url
without padding. Nothing about it is remembered anywhere until it is used: what it makes has an id that follows from it.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Literal

from shared.messages.message import LATEST_INSTANT_MS, content_id

Action = Literal["acknowledge", "silence"]
ACTIONS: tuple[Action, ...] = ("acknowledge", "silence")
PATH = "/a/"
"""Where tokens are taken: `/a/TOKEN` below the external URL."""
SHORTEST_KEY = 32
_VERSION = 1
_HEAD = struct.Struct(">BB16sQQ8s")  # version, action, alert id, episode and expiry (ms), nonce
_MAC_BYTES = 32
_LONGEST_RECIPIENT = 128
LONGEST_TOKEN = -(-(_HEAD.size + _LONGEST_RECIPIENT + _MAC_BYTES) * 4 // 3)
# So that the key's other uses, if it ever has some, can't make a token.
_PURPOSE = b"pantau link\0"


class BadLink(ValueError):
    """A token that is none of ours, or was changed."""


@dataclass(frozen=True)
class Link:
    """What its holder may do."""

    action: Action
    alert_id: str
    """32 hex digits."""
    episode_ms: int
    """The episode it is about; for the alert's next one it is worth nothing."""
    recipient: str
    """Who was sent it, as what is done is signed; may be empty."""
    expires_at_ms: int
    nonce: str
    """Tells links apart that are otherwise the same: what follows from the message that they are in."""

    @property
    def makes(self) -> str:
        """The id of the acknowledgement or silence that it makes."""
        return content_id("link", _packed(self))


def sign(link: Link, key: str) -> str:
    """The token. A recipient that is too long is cut. ValueError if the alert's id is none."""
    signed = _packed(link)
    return base64.urlsafe_b64encode(signed + _mac(signed, key)).rstrip(b"=").decode()


def read(token: str, key: str) -> Link:
    """What a token says. BadLink if it was not signed with the key. Whether it has expired is for the caller to see."""
    try:
        if len(token) > LONGEST_TOKEN:
            raise BadLink("too long")
        packed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise BadLink("not base64url") from error
    signed, mac = packed[:-_MAC_BYTES], packed[-_MAC_BYTES:]
    if len(signed) < _HEAD.size or not hmac.compare_digest(_mac(signed, key), mac):
        raise BadLink("not signed here")
    version, action, alert, episode_ms, expires_at_ms, nonce = _HEAD.unpack_from(signed)
    if version != _VERSION or action >= len(ACTIONS) or max(episode_ms, expires_at_ms) > LATEST_INSTANT_MS:
        raise BadLink("of another version")
    recipient = signed[_HEAD.size :].decode()
    return Link(ACTIONS[action], alert.hex(), episode_ms, recipient, expires_at_ms, nonce.hex())


def _packed(link: Link) -> bytes:
    head = _HEAD.pack(
        _VERSION,
        ACTIONS.index(link.action),
        bytes.fromhex(link.alert_id),
        link.episode_ms,
        link.expires_at_ms,
        _nonce(link.nonce),
    )
    return head + link.recipient.encode()[:_LONGEST_RECIPIENT].decode(errors="ignore").encode()


def _nonce(text: str) -> bytes:
    """Eight bytes; those of a nonce that was read are itself."""
    if len(text) == 16:
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    return hashlib.sha256(text.encode()).digest()[:8]


def _mac(signed: bytes, key: str) -> bytes:
    return hmac.new(key.encode(), _PURPOSE + signed, hashlib.sha256).digest()
