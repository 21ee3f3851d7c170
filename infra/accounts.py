"""Users and tokens, as the command line makes them: one transaction with the audit row and the bus messages.

    create_user(dsn, "sri", "a long password", "operator")
    token = create_token(dsn, "billing", "ingest", None)

What is created is known to every api once one of them has published the outbox, at once while one runs.
"""

import hashlib
import re
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from argon2 import PasswordHasher
from psycopg.types.json import Jsonb

from shared import clock
from shared.messages.access import ROLES, Role, Token
from shared.messages.audit import AuditEntry
from shared.messages.message import content_id
from shared.messages.topics import ACCESS, AUDIT, Encodable, Topic

ACTOR = "cli"
TOKEN_PREFIX = "pantau_"  # noqa: S105  (so that scanners for leaked secrets can know ours)
USER_ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024
LONGEST_NAME = 100
DAY_MS = 86_400_000
ADMIN = "admin"
# Two `up` at once must not both find that there is no admin.
ADMIN_LOCK = 7_226_001

Connection = psycopg.Connection[tuple[Any, ...]]


class AccountError(ValueError):
    """A user or token that can't be made; the text says why and what to do."""


def create_user(dsn: str, username: str, password: str, role: str) -> None:
    """A user who can log in. AccountError if the name is taken, or name, password or role won't do."""
    with _transaction(dsn) as connection:
        _insert_user(connection, username, password, role)


def ensure_admin(dsn: str) -> str | None:
    """The password of a new user `admin`; None if there is an admin already."""
    with _transaction(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADMIN_LOCK,))
        if connection.execute("SELECT 1 FROM users WHERE role = 'admin' AND NOT disabled LIMIT 1").fetchone():
            return None
        password = secrets.token_urlsafe(15)
        _insert_user(connection, ADMIN, password, "admin")
        return password


def create_token(dsn: str, name: str, role: str, expires_days: float | None = None) -> str:
    """A new bearer token: its text, which is shown once and stored nowhere. AccountError if the name is taken, or
    name, role or expiry won't do."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise AccountError(f"token name {name[:LONGEST_NAME]!r}: 1 to {LONGEST_NAME} printable characters, please")
    if expires_days is not None and not 0 < expires_days <= 36_500:
        raise AccountError(f"a token can't expire in {expires_days:g} days: more than 0 and at most 36500, or never")
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    now_ms = clock.now_ms()
    token = Token(
        id=uuid.uuid4().hex,
        use="bearer",
        hash=hashlib.sha256(text.encode()).hexdigest(),
        name=name,
        role=_role(role, ROLES),
        created_at=now_ms,
        expires_at=None if expires_days is None else now_ms + round(expires_days * DAY_MS),
    )
    with _transaction(dsn) as connection:
        try:
            connection.execute(
                "INSERT INTO tokens (id, use, hash, name, role, created_by, created_at, expires_at) VALUES"
                " (%s, 'bearer', %s, %s, %s, %s, to_timestamp(%s / 1000.0), to_timestamp(%s / 1000.0))",
                (token.id, token.hash, token.name, token.role, ACTOR, token.created_at, token.expires_at),
            )
        except psycopg.errors.UniqueViolation:
            raise AccountError(f"there is a token {name!r} already: revoke it first, or choose another name") from None
        _publish(connection, ACCESS, token.id, token, content_id(ACCESS.name, token.id, "created"))
        _audit(connection, "token.create", f"token/{token.id}", now_ms, after=_public(token))
    return text


def revoke_token(dsn: str, name: str) -> None:
    """End the bearer token called `name`, for every api. AccountError if there is none."""
    with _transaction(dsn) as connection:
        row = connection.execute(
            "DELETE FROM tokens WHERE use = 'bearer' AND name = %s RETURNING id, role", (name,)
        ).fetchone()
        if row is None:
            raise AccountError(f"there is no token {name!r}")
        _publish(connection, ACCESS, row[0], None, content_id(ACCESS.name, row[0], "revoked"))
        _audit(connection, "token.revoke", f"token/{row[0]}", clock.now_ms(), before={"name": name, "role": row[1]})


def is_in_force(dsn: str) -> bool:
    """Whether api has put every change on the bus, from where each api knows it a moment later. AccountError if the
    database can't be asked."""
    with _transaction(dsn) as connection:
        row = connection.execute("SELECT NOT EXISTS (SELECT FROM outbox)").fetchone()
    return bool(row and row[0])


def _insert_user(connection: Connection, username: str, password: str, role: str) -> None:
    username = username.lower()
    if not USERNAME.fullmatch(username):
        raise AccountError(
            f"user name {username[:64]!r}: 1 to 64 letters, digits or ._@- please, beginning with a letter or digit"
        )
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    try:
        connection.execute(
            "INSERT INTO users (username, password_hash, role) VALUES (%s, %s, %s)",
            (username, PasswordHasher().hash(password), _role(role, USER_ROLES)),
        )
    except psycopg.errors.UniqueViolation:
        raise AccountError(f"there is a user {username!r} already") from None
    _audit(connection, "user.create", f"user/{username}", clock.now_ms(), after={"username": username, "role": role})


def _role(role: str, allowed: tuple[Role, ...]) -> Role:
    for one in allowed:
        if one == role:
            return one
    raise AccountError(f"role {role!r} is none of {', '.join(allowed)}")


def _public(token: Token) -> dict[str, Any]:
    return token.model_dump(mode="json", include={"name", "role", "use", "expires_at"}, exclude_none=True)


def _publish(connection: Connection, topic: Topic, key: str, message: Encodable | None, event_id: str) -> None:
    connection.execute(
        "INSERT INTO outbox (topic, key, payload, event_id) VALUES (%s, %s, %s, %s)",
        (topic.name, key, None if message is None else message.encode(), event_id),
    )


def _audit(
    connection: Connection,
    action: str,
    subject: str,
    at_ms: int,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    entry = AuditEntry(
        id=uuid.uuid4().hex, at=at_ms, actor=ACTOR, action=action, subject=subject, before=before, after=after
    )
    connection.execute(
        "INSERT INTO audit_log (id, at, actor, action, subject, before, after)"
        " VALUES (%s, to_timestamp(%s / 1000.0), %s, %s, %s, %s, %s)",
        (entry.id, at_ms, entry.actor, action, subject, before and Jsonb(before), after and Jsonb(after)),
    )
    _publish(connection, AUDIT, subject, entry, entry.id)


@contextmanager
def _transaction(dsn: str) -> Iterator[Connection]:
    try:
        with psycopg.connect(dsn, connect_timeout=5, application_name="pantau-cli") as connection:
            yield connection
    except psycopg.errors.UndefinedTable:
        raise AccountError("the database has no tables yet: run ./pantau migrate first") from None
    except psycopg.OperationalError as error:
        raise AccountError(f"PostgreSQL can't be reached: {str(error).strip().splitlines()[-1]}") from error
