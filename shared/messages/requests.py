"""`pantau.requests`: requests that a monitored application has answered, in batches."""

from typing import Annotated

from pydantic import Field, IPvAnyAddress

from shared.messages.message import Instant, Message


class RequestLog(Message):
    """One answered HTTP request."""

    id: str
    """Unique, given by whoever saw the request; what a retry sends twice is stored once."""
    method: Annotated[str, Field(max_length=10)]
    route: Annotated[str, Field(max_length=200)]
    """The route's template, e.g. `/customers/{id}`, never the path with its ids."""
    status_code: Annotated[int, Field(ge=100, le=599)]
    response_time_ms: Annotated[float, Field(ge=0)]
    request_size: int | None = None
    response_size: int | None = None
    user_agent: Annotated[str, Field(max_length=500)] | None = None
    ip_address: IPvAnyAddress | None = None
    timestamp: Instant


class RequestLogBatch(Message):
    """Requests of one source; keyed by route where the batch has one, else by source."""

    source: str
    requests: Annotated[list[RequestLog], Field(max_length=1000)]
