"""`pantau.audit`: who changed what."""

from typing import Any

from shared.messages.message import Instant, Message


class AuditEntry(Message):
    """One change; keyed by its subject."""

    id: str
    at: Instant
    actor: str
    """User or token name; `cli` for the command line."""
    action: str
    """e.g. `rule.create`, `token.create`, `session.create`"""
    subject: str
    """What was changed, e.g. `rule/custom_alert`"""
    address: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
