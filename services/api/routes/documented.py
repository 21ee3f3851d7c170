"""How routes say in the OpenAPI document which problems they answer with."""

from typing import Any

from services.api.problems import MEDIA_TYPE

DESCRIPTIONS = {
    400: "The body is not JSON",
    401: "Nobody is logged in, or the token is unknown",
    403: "The role is too small, or the request comes from another site",
    404: "There is no such thing",
    408: "The body did not come in time",
    409: "It conflicts with what there is",
    412: "The version that `If-Match` names is not in force",
    413: "The body is too long",
    415: "The body is not declared as what is taken here, mostly JSON",
    422: "The request can't be taken; `errors` say what is wrong where",
    428: "Say which version is to be replaced, so that nobody's change is lost",
    429: "Too many attempts, or too many at once; `Retry-After` says when to come back",
    503: "What this needs is away; `Retry-After` says when to come back",
}
PROBLEM = {"$ref": "#/components/schemas/ProblemBody"}
WITH_BODY = (400, 408, 413, 415, 422)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with these problems, and with 500 like all of them."""
    named: dict[int | str, dict[str, Any]] = {
        status: {"description": DESCRIPTIONS[status], "content": {MEDIA_TYPE: {"schema": PROBLEM}}}
        # Who asks is not known before the tokens have been read from the bus.
        for status in sorted({*statuses, *((503,) if 401 in statuses else ())})
    }
    for status in (429, 503):
        if status in named:
            named[status]["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
    return named | {"default": {"description": "Any other problem", "content": {MEDIA_TYPE: {"schema": PROBLEM}}}}
