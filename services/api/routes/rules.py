"""The specification's small rules: made, listed and deleted."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from services.api.access import OperatorRoute, ViewerRoute, address_of, principal_of
from services.api.audit import Author
from services.api.core.bodies import RuleGroupBody, SmallRuleBody
from services.api.core.rules import group_body, small_body
from services.api.parts import Parts, parts_of
from services.api.problems import invalid
from services.api.routes.documented import WITH_BODY, problems
from shared.rules.errors import BadRule
from shared.rules.small import SmallRule

viewer = APIRouter(route_class=ViewerRoute, tags=["rules"])
operator = APIRouter(route_class=OperatorRoute, tags=["rules"])

VIEW_SECONDS = 2.0


@viewer.get(
    "/api/monitoring/alerts/rules",
    operation_id="getRules",
    summary="Rule groups in force",
    responses=problems(401, 403),
)
async def rules(request: Request) -> list[RuleGroupBody]:
    """All groups, by name. It works while the database is down."""
    held = parts_of(request).views.rules
    return [group_body(held[name]) for name in sorted(held)]


@operator.post(
    "/api/monitoring/alerts/rules",
    operation_id="createRule",
    summary="Create a rule",
    status_code=201,
    responses=problems(401, 403, 409, 503, *WITH_BODY)
    | {200: {"description": "The very same rule is there already", "model": SmallRuleBody}},
)
async def create(request: Request, rule: SmallRule, response: Response) -> SmallRuleBody:
    """Brings a rule into force as a group of its own, evaluated whenever a sample arrives that it selects."""
    if "\0" in rule.message:
        raise invalid("body.message", "holds the character NUL, which the database can't keep")
    parts = parts_of(request)
    author = Author(principal_of(request).name, address_of(request))
    try:
        group, row_id, new = await parts.rulebook.create(rule, author)
    except BadRule as error:
        raise invalid("body", str(error).removeprefix("rule: ")) from error
    published = await _published(parts, row_id)
    if published:
        await _seen(parts, group.name, group.version)
    if not new:
        response.status_code = 200
    return small_body(rule, group, published=published)


@operator.delete(
    "/api/monitoring/alerts/rules/{name:path}",  # a name may hold slashes
    operation_id="deleteRule",
    summary="Delete a rule",
    status_code=204,
    responses=problems(401, 403, 404, 409, 422, 503),
)
async def delete(request: Request, name: Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]) -> None:
    """Takes a rule out of force that was made over HTTP; its alerts end."""
    parts = parts_of(request)
    row_id = await parts.rulebook.delete(name, Author(principal_of(request).name, address_of(request)))
    if await _published(parts, row_id):
        await _seen(parts, name, None)


async def _published(parts: Parts, row_id: int | None) -> bool:
    if row_id is None:
        return True
    return await parts.outbox.published(row_id, parts.settings.api.bus_deadline_seconds)


async def _seen(parts: Parts, name: str, version: int | None) -> None:
    """Wait until this api's own view has the change too, so that whoever made it sees it; None: is deleted."""

    def shown() -> bool:
        group = parts.views.rules.get(name)
        return group is None if version is None else group is not None and group.version >= version

    try:
        async with asyncio.timeout(VIEW_SECONDS):
            while not shown():  # noqa: ASYNC110  (the view is a plain value without an event)
                await asyncio.sleep(0.01)
    except TimeoutError:
        return  # the bus has it; the view follows
