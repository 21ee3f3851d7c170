"""Who is known, and who may do what."""

import pytest

from services.api.core.access import ALLOWED, Needed, Principal, Tokens, hash_of
from shared.messages.access import Role, Token

TEXT = "pantau_secret"


def token(**changes: object) -> Token:
    fields = {"id": "1", "use": "bearer", "hash": hash_of(TEXT), "name": "billing", "role": "ingest", "created_at": 1}
    return Token.model_validate(fields | changes)


def test_a_token_is_found_by_its_text_alone() -> None:
    tokens = Tokens()
    tokens.put(token())

    found = tokens.find(TEXT, now_ms=10)

    assert found == Principal("1", "billing", "ingest", "bearer", None)
    assert tokens.find(TEXT + "x", now_ms=10) is None
    assert tokens.find(hash_of(TEXT), now_ms=10) is None, "the hash is public on the bus, it must not be a password"


def test_expiry_is_exact() -> None:
    tokens = Tokens()
    tokens.put(token(expires_at=100))

    assert tokens.find(TEXT, now_ms=99) is not None
    assert tokens.find(TEXT, now_ms=100) is None


def test_a_tombstone_revokes_also_what_was_authenticated_before() -> None:
    tokens = Tokens()
    tokens.put(token())
    principal = tokens.find(TEXT, now_ms=10)
    assert principal is not None
    assert tokens.knows(principal, now_ms=10)

    tokens.remove("1")

    assert tokens.find(TEXT, now_ms=10) is None
    assert not tokens.knows(principal, now_ms=10)


def test_what_was_revoked_here_is_not_revived_by_its_late_announcement() -> None:
    tokens = Tokens()
    tokens.put(token())  # at login, at once
    tokens.remove("1")  # at logout, at once
    tokens.put(token())  # now both come over the bus
    assert tokens.find(TEXT, now_ms=10) is None
    tokens.remove("1")
    assert tokens.find(TEXT, now_ms=10) is None


def test_a_session_that_expires_is_no_longer_known() -> None:
    tokens = Tokens()
    tokens.put(token(use="session", expires_at=100))
    principal = tokens.find(TEXT, now_ms=10)
    assert principal is not None
    assert not tokens.knows(principal, now_ms=100)


def test_a_new_hash_under_the_same_id_replaces_the_old() -> None:
    tokens = Tokens()
    tokens.put(token())
    tokens.put(token(hash=hash_of("other")))

    assert tokens.find(TEXT, now_ms=1) is None
    assert tokens.find("other", now_ms=1) is not None
    assert len(tokens) == 1


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", {"known", "viewer"}),
        ("operator", {"known", "viewer", "operator", "ingest"}),
        ("admin", {"known", "viewer", "operator", "admin", "ingest"}),
        ("ingest", {"known", "ingest"}),
    ],
)
def test_roles(role: Role, may: set[Needed]) -> None:
    principal = Principal("1", "x", role, "bearer", None)
    assert {needed for needed in ALLOWED if principal.may(needed)} == may
