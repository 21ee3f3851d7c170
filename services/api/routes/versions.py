"""How a request says which version it is to change."""

from typing import Annotated

from fastapi import Header, Query

IfMatch = Annotated[
    str | None,
    Header(description='The ETag of the version that is to be changed: `"3"`; `*` is any', max_length=1_000),
]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="If given, the version that is to be changed")]
TAGGED = {"headers": {"ETag": {"description": "Its version", "schema": {"type": "string"}}}}
