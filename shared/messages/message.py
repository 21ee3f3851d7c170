"""What all JSON messages on the bus have in common."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, WithJsonSchema


class BadMessage(ValueError):
    """A payload that is not what its topic promises. The text names the field and the reason."""


def instant_to_text(instant_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. `2026-11-23T10:15:00.000Z`."""
    seconds, millis = divmod(instant_ms, 1000)
    # Cut before the offset; strftime would take four times as long, and each message holds some of these.
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{millis:03d}Z"


def instant_from_text(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 text; without an offset it counts as UTC. ValueError otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not an RFC 3339 date and time") from None  # without the text, which may hold anything
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _read_instant(value: Any) -> Any:
    return instant_from_text(value) if isinstance(value, str) else value


# The last one that RFC 3339 can write.
LATEST_INSTANT_MS = 253_402_300_799_999

# An instant is an int of milliseconds in Python and RFC 3339 text in JSON.
Instant = Annotated[
    int,
    BeforeValidator(_read_instant),
    Field(ge=0, le=LATEST_INSTANT_MS),
    PlainSerializer(instant_to_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

# JSON has no NaN or infinity; they travel as these strings.
Number = Annotated[
    float,
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}),
]


class Message(BaseModel):
    """A JSON message: frozen, tolerant of fields added later, strict about those it knows."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings", use_attribute_docstrings=True)

    def encode(self) -> bytes:
        """The JSON bytes that go on the bus."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The message in `payload`. BadMessage with field and reason if it is not one."""
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            raise BadMessage(describe(error)) from error


def describe(error: ValidationError) -> str:
    """`field.path: reason` of each problem, without echoing the input (it may hold secrets)."""
    return "; ".join(
        f"{'.'.join(str(step) for step in problem['loc']) or 'message'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )


def content_id(*parts: str | bytes) -> str:
    """A deterministic 128-bit id, as 32 hex digits, of the given parts (order and borders count)."""
    digest = blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()
