"""`pantau.access`: who may ask, and who is told, known to every service also while the database is down."""

from typing import Annotated, Literal

from pydantic import Field, RootModel, ValidationError

from shared.messages.message import BadMessage, Instant, Message, describe

Role = Literal["viewer", "operator", "admin", "ingest"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin", "ingest")


class Token(Message):
    """A bearer token or a browser's session, as its hash; a tombstone revokes it."""

    kind: Literal["token"] = "token"
    id: str
    """Also the message key."""
    use: Literal["bearer", "session"]
    hash: str
    """SHA-256 of the token, hex. The token itself is 256 random bits, so no salt or stretching is needed."""
    name: str
    """What a bearer token is called, or the user of a session."""
    role: Role
    created_at: Instant
    expires_at: Instant | None = None


class Recipient(Message):
    """A person who is told of alerts."""

    kind: Literal["recipient"] = "recipient"
    id: str
    """Also the message key."""
    name: str
    whatsapp: str | None = None
    email: str | None = None
    telegram: str | None = None
    """The id of the chat."""
    language: Literal["id", "en"] = "id"
    zone: str | None = None
    """For times in messages, e.g. `Asia/Jakarta`; that of everybody if absent."""
    source: str | None = None
    """Where it was read, e.g. `admin_users`: from what is no longer there, it is taken away."""


Entry = Annotated[Token | Recipient, Field(discriminator="kind")]


class Access(RootModel[Entry]):
    """Either of the two; `root` is it."""

    def encode(self) -> bytes:
        """The JSON bytes that go on the bus."""
        return self.root.encode()

    @classmethod
    def decode(cls, payload: bytes) -> Token | Recipient:
        """The token or recipient in `payload`. BadMessage with field and reason if it is neither."""
        try:
            return cls.model_validate_json(payload).root
        except ValidationError as error:
            raise BadMessage(describe(error)) from error
