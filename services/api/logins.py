"""Logins: users in PostgreSQL, sessions as tokens that every api comes to know."""

import asyncio
import secrets
import uuid

import asyncpg
import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import Counter

from services.api.audit import Author, entry, record
from services.api.core.access import Principal, Tokens, hash_of
from services.api.outbox import enqueue
from services.api.problems import Problem, unavailable
from services.api.settings import ApiSettings
from shared import clock
from shared.bus import Outgoing, Producer
from shared.database import Database, DatabaseUnavailable
from shared.messages.access import Role, Token
from shared.messages.message import content_id
from shared.messages.topics import ACCESS, AUDIT

log = structlog.get_logger()

LOGINS = Counter("pantau_api_logins_total", "Attempts to log in, by outcome", ["outcome"])

PREFIX = "pantau_"
# Argon2 takes 64 MiB a time: as many at once as are cheap, the others wait their turn for a moment.
MOST_AT_ONCE = 4
WAIT_SECONDS = 5.0


class Logins:
    """Begins and ends sessions."""

    def __init__(self, database: Database, producer: Producer, tokens: Tokens, settings: ApiSettings) -> None:
        self._database, self._producer, self._tokens = database, producer, tokens
        self._session_ms = round(settings.session_hours * 3_600_000)
        self._by_user = RateLimitItemPerMinute(settings.login_attempts_per_minute)
        self._by_address = RateLimitItemPerMinute(settings.login_attempts_per_minute_and_address)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._hasher = PasswordHasher()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        # What the password of an unknown user is compared with, so that the answer takes as long as for a known one.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    async def begin(self, username: str, password: str, address: str | None) -> tuple[str, Token]:
        """A session's token, as text for the browser and as everybody knows it. Problem 401, 429 or 503."""
        username = username.lower()
        self._limit(username, address)
        async with self._database.connection() as connection:
            user = await connection.fetchrow(
                "SELECT id, username, password_hash, role FROM users WHERE username = $1 AND NOT disabled", username
            )
        known = await self._verify(user["password_hash"] if user else self._nobody, password)
        if user is None or not known:
            LOGINS.labels("refused").inc()
            log.info("login refused", username=username, address=address)
            raise Problem(401, "User name or password is wrong.")
        self._limiter.clear(self._by_user, "user", username)
        return await self._begin(user["id"], user["username"], user["role"], Author(username, address))

    async def end(self, principal: Principal, address: str | None) -> None:
        """End a session, everywhere. Works without the database too. BusUnavailable if neither can be told."""
        author = Author(principal.name, address)
        subject = f"session/{principal.token_id}"
        ended = entry(author, "session.end", subject, clock.now_ms())
        revoked_id = content_id(ACCESS.name, principal.token_id, "revoked")
        self._tokens.remove(principal.token_id)
        try:
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute("DELETE FROM tokens WHERE id = $1", principal.token_id)
                await record(connection, ended)
                await enqueue(connection, ACCESS, principal.token_id, None, revoked_id)
        except DatabaseUnavailable:
            # The row stays until it expires; what counts is what the bus says.
            told = [
                Outgoing(AUDIT, subject, ended, ended.id),
                Outgoing(ACCESS, principal.token_id, None, revoked_id),
            ]
            await self._producer.send_all(told, deadline_seconds=WAIT_SECONDS)

    async def _begin(self, user_id: uuid.UUID, username: str, role: Role, author: Author) -> tuple[str, Token]:
        text = PREFIX + secrets.token_urlsafe(32)
        now_ms = clock.now_ms()
        token = Token(
            id=uuid.uuid4().hex,
            use="session",
            hash=hash_of(text),
            name=username,
            role=role,
            created_at=now_ms,
            expires_at=now_ms + self._session_ms,
        )
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO tokens (id, use, hash, name, role, user_id, created_by, created_at, expires_at)"
                " VALUES ($1, 'session', $2, $3, $4, $5, $3, to_timestamp($6 / 1000.0), to_timestamp($7 / 1000.0))",
                token.id,
                token.hash,
                username,
                role,
                user_id,
                float(now_ms),
                float(now_ms + self._session_ms),
            )
            await record(connection, entry(author, "session.begin", f"session/{token.id}", now_ms))
            await enqueue(connection, ACCESS, token.id, token, content_id(ACCESS.name, token.id, "created"))
        self._tokens.put(token)
        LOGINS.labels("accepted").inc()
        return text, token

    def _limit(self, username: str, address: str | None) -> None:
        for item, identifiers in ((self._by_address, ("address", address or "")), (self._by_user, ("user", username))):
            if not self._limiter.hit(item, *identifiers):
                LOGINS.labels("limited").inc()
                resets_at = self._limiter.get_window_stats(item, *identifiers).reset_time
                wait = max(round(resets_at - clock.now_ms() / 1000) + 1, 1)
                raise Problem(429, f"Too many attempts to log in: wait {wait} s.", headers={"Retry-After": str(wait)})

    async def _verify(self, password_hash: str, password: str) -> bool:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            LOGINS.labels("busy").inc()
            raise unavailable("Too many people are logging in at this moment.") from None
        try:
            return await asyncio.to_thread(self._hasher.verify, password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._places.release()


async def sweep_expired(database: Database, every_seconds: float = 600.0) -> None:
    """Take expired tokens and sessions out of the database and, by tombstones, off the bus; until cancelled."""
    while True:
        try:
            async with database.connection() as connection, connection.transaction():
                gone = await connection.fetch(
                    "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires_at < now() LIMIT 1000"
                    " FOR UPDATE SKIP LOCKED) RETURNING id"
                )
                for row in gone:
                    await enqueue(connection, ACCESS, row["id"], None, content_id(ACCESS.name, row["id"], "expired"))
        except (DatabaseUnavailable, asyncpg.PostgresError) as error:
            log.info("expired tokens are swept later", reason=str(error))
        await asyncio.sleep(every_seconds)
