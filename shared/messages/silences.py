"""`pantau.silences`: what is muted, by whom and why. Silences and acknowledgements need only the bus."""

from typing import Annotated, Literal

from pydantic import Field

from shared.messages.message import Instant, Message


class Matcher(Message):
    """A label matcher in Alertmanager's sense."""

    name: str
    value: str
    operator: Literal["=", "!=", "=~", "!~"] = "="


class Silence(Message):
    """Mutes alerts that all matchers match, from `starts_at` to `ends_at`; keyed by id, a tombstone ends it."""

    id: str
    kind: Literal["silence", "acknowledgement"]
    matchers: Annotated[list[Matcher], Field(min_length=1, max_length=64)]
    alert_id: str | None = None
    """For an acknowledgement: the alert it is about."""
    starts_at: Instant
    ends_at: Instant
    created_by: str
    created_at: Instant
    comment: str
