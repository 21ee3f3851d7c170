"""What can go wrong between us and a PostgreSQL."""

import ssl

import asyncpg

REASONS = (
    "timeout",
    "refused",
    "unreachable",
    "tls",
    "login",
    "no_database",
    "too_many_connections",
    "starting",
    "closed",
    "privilege",
    "statement_timeout",
    "lock_timeout",
    "writes",
    "query",
)
"""Short words for metrics. `starting`: the server is starting, stopping or recovering; `privilege`: the role may not;
`writes`: a statement that would have changed something; `query`: the server finds any other fault with a statement."""

# Most telling first: what follows is a superclass of some before it.
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.InvalidPasswordError, "login"),
    (asyncpg.InvalidAuthorizationSpecificationError, "login"),
    (asyncpg.InvalidCatalogNameError, "no_database"),
    (asyncpg.TooManyConnectionsError, "too_many_connections"),
    (asyncpg.CannotConnectNowError, "starting"),
    (asyncpg.AdminShutdownError, "closed"),
    (asyncpg.CrashShutdownError, "closed"),
    (asyncpg.IdleInTransactionSessionTimeoutError, "closed"),
    (asyncpg.PostgresConnectionError, "closed"),
    (asyncpg.InsufficientPrivilegeError, "privilege"),
    (asyncpg.QueryCanceledError, "statement_timeout"),
    (asyncpg.LockNotAvailableError, "lock_timeout"),
    (asyncpg.ReadOnlySQLTransactionError, "writes"),
    (asyncpg.PostgresError, "query"),
    (asyncpg.InterfaceError, "closed"),
    (asyncpg.InternalClientError, "closed"),
    (ssl.SSLError, "tls"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "closed"),
    (TimeoutError, "timeout"),
    (OSError, "unreachable"),
)
EXPECTED = tuple(kind for kind, _ in _REASONS)
"""Every exception that `reason_of` knows."""
# After these the connection still serves.
OF_STATEMENTS = frozenset({"privilege", "statement_timeout", "lock_timeout", "writes", "query"})


class DatabaseError(Exception):
    """Something went wrong; `reason` is a short word for metrics. The text holds no secret."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason


def reason_of(error: BaseException) -> str:
    """The word of REASONS for what asyncpg raised; KeyError if it is not one of EXPECTED."""
    # asyncpg wraps what the network said, and says of a server without TLS only that it refused to speak it.
    if isinstance(error, ConnectionError) and "SSL" in str(error):
        return "tls"
    # Whether there is a deletion in a WITH, it looks before it looks whether the transaction may.
    if isinstance(error, asyncpg.FeatureNotSupportedError) and "data-modifying" in str(error):
        return "writes"
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    raise KeyError(type(error).__name__)
