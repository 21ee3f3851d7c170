"""Who changed what: a row and a bus message in the transaction of the change itself."""

import uuid
from dataclasses import dataclass
from typing import Any

from services.api.outbox import Connection, enqueue
from shared.messages.audit import AuditEntry
from shared.messages.topics import AUDIT


@dataclass(frozen=True)
class Author:
    """Who makes a change, from where."""

    name: str
    address: str | None = None


def entry(
    author: Author,
    action: str,
    subject: str,
    at_ms: int,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """One audit entry, with an id of its own."""
    return AuditEntry(
        id=uuid.uuid4().hex,
        at=at_ms,
        actor=author.name,
        address=author.address,
        action=action,
        subject=subject,
        before=before,
        after=after,
    )


async def record(connection: Connection, made: AuditEntry) -> None:
    """Write the entry with the transaction that `connection` is in."""
    await connection.execute(
        "INSERT INTO audit_log (id, at, actor, action, subject, address, before, after)"
        " VALUES ($1, to_timestamp($2 / 1000.0), $3, $4, $5, $6, $7, $8)",
        made.id,
        float(made.at),
        made.actor,
        made.action,
        made.subject,
        made.address,
        made.before,
        made.after,
    )
    await enqueue(connection, AUDIT, made.subject, made, made.id)
