"""Request logs that applications push: what is taken, and what is refused and why."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.api.core.bodies import Where
from services.api.core.ingest import MOST_ERRORS, BadInput, bad_input, check_time, text_or_number
from shared.messages.requests import RequestLog, RequestLogBatch

MOST_REQUESTS = 1_000
OWN = "api/"
# The database keeps sizes as bigint, and text without the character NUL.
Size = Annotated[int, Field(ge=0, le=2**63 - 1)]
NO_NUL = r"^[^\x00]*$"
_TIMESTAMP = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}]}


def _instant(value: Any) -> str | int:
    found = text_or_number(value)
    if found is None:
        raise PydanticCustomError("timestamp", "Input should say when the request arrived")
    return found


class PushedRequest(BaseModel):
    """One request that an application has answered."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]
    """Unique, e.g. a UUID; with the same id and timestamp it is stored once, however often it is sent"""
    method: Annotated[str, Field(min_length=1, max_length=10, pattern=NO_NUL)]
    route: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
    """The route's template, e.g. `/customers/{id}`, never the path with its ids"""
    status_code: Annotated[int, Field(ge=100, le=599)]
    response_time_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    request_size: Size | None = None
    """Bytes of the body"""
    response_size: Size | None = None
    """Bytes of the body"""
    user_agent: Annotated[str, Field(max_length=500, pattern=NO_NUL)] | None = None
    ip_address: IPvAnyAddress | None = None
    """The client's"""
    timestamp: Annotated[str | int, PlainValidator(_instant), WithJsonSchema(_TIMESTAMP)]
    """When it arrived; RFC 3339 or milliseconds since the epoch, at most 10 minutes ahead and 3 days old"""


class PushedRequests(BaseModel):
    """Requests that an application has answered."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    source: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
    """Which application; names that begin with `api/` are Pantau's own"""
    requests: Annotated[list[PushedRequest], Field(max_length=MOST_REQUESTS)]


def read_requests(body: bytes, now_ms: int) -> RequestLogBatch:
    """The requests in a JSON body, as a message. BadInput if any can't be taken: then none is."""
    try:
        pushed = PushedRequests.model_validate_json(body)
    except ValidationError as error:
        raise bad_input(error) from None
    errors: list[Where] = []
    if pushed.source.startswith(OWN):
        errors.append(Where(where="body.source", reason=f"names that begin with {OWN} are Pantau's own"))
    taken: list[RequestLog] = []
    for number, one in enumerate(pushed.requests):
        time_ms = check_time(one.timestamp, now_ms)
        if isinstance(time_ms, Where):
            errors.append(Where(where=f"body.requests[{number}].{time_ms.where}", reason=time_ms.reason))
        else:
            taken.append(RequestLog.model_validate({**one.model_dump(), "timestamp": time_ms}))
        if len(errors) == MOST_ERRORS:
            break
    if errors:
        raise BadInput(errors)
    return RequestLogBatch(source=pushed.source, requests=taken)
