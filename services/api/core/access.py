"""Who may do what: tokens by their hash, and roles."""

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from shared.messages.access import ROLES, Role, Token

Needed = Literal["known", "viewer", "operator", "admin", "ingest"]

# Which roles may do what needs a role. Pushing is for those who only push, and for those who operate.
ALLOWED: dict[Needed, frozenset[Role]] = {
    "known": frozenset(ROLES),
    "viewer": frozenset({"viewer", "operator", "admin"}),
    "operator": frozenset({"operator", "admin"}),
    "admin": frozenset({"admin"}),
    "ingest": frozenset({"ingest", "operator", "admin"}),
}


@dataclass(frozen=True)
class Principal:
    """Who is asking."""

    token_id: str
    name: str
    role: Role
    use: Literal["bearer", "session"]
    expires_at_ms: int | None

    def may(self, needed: Needed) -> bool:
        """Whether the role is enough for what needs `needed`."""
        return self.role in ALLOWED[needed]


def hash_of(token: str) -> str:
    """SHA-256 of a token's text, hex."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


# As many revocations are remembered as could be on their way in both directions.
MOST_REVOKED = 10_000


class Tokens:
    """The tokens that are known, from `pantau.access`, and at once what this api itself began or ended.

    Ids are never used again: what was revoked here stays so, also when the message that announced it comes only now.
    """

    def __init__(self) -> None:
        self._by_hash: dict[str, Token] = {}
        self._hash_of_id: dict[str, str] = {}
        self._revoked: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_hash)

    def put(self, token: Token) -> None:
        """Know `token`, instead of what its id stood for before."""
        if token.id in self._revoked:
            return
        self._forget(token.id)
        self._by_hash[token.hash] = token
        self._hash_of_id[token.id] = token.hash

    def remove(self, token_id: str) -> None:
        """The token with this id is no longer good, whether it is known yet or not."""
        self._forget(token_id)
        self._revoked[token_id] = None
        while len(self._revoked) > MOST_REVOKED:
            self._revoked.popitem(last=False)

    def _forget(self, token_id: str) -> None:
        known = self._hash_of_id.pop(token_id, None)
        if known is not None:
            self._by_hash.pop(known, None)

    def find(self, text: str, now_ms: int) -> Principal | None:
        """Whose token `text` is; None if it is nobody's or has expired."""
        wanted = hash_of(text)
        token = self._by_hash.get(wanted)
        if token is None or not hmac.compare_digest(token.hash, wanted):
            return None
        if token.expires_at is not None and token.expires_at <= now_ms:
            return None
        return Principal(token.id, token.name, token.role, token.use, token.expires_at)

    def knows(self, principal: Principal, now_ms: int) -> bool:
        """Whether `principal`'s token is still good."""
        return principal.token_id in self._hash_of_id and (
            principal.expires_at_ms is None or principal.expires_at_ms > now_ms
        )
