"""Rule groups and the specification's small rules: made, shown, changed and deleted."""

import asyncio
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Path, Query, Request, Response

from services.api.access import OperatorActionRoute, OperatorRoute, RuleTextRoute, ViewerRoute, media_of
from services.api.core.preconditions import etag, seen
from services.api.core.rule_bodies import (
    GroupChange,
    GroupDetailBody,
    GroupVersionBody,
    RuleFileBody,
    RuleGroupBody,
    SmallRuleBody,
)
from services.api.core.rule_requests import Sent, bad_input, read_new, read_replacement
from services.api.core.rules import NoSuchRule, group_body, promoted, small_body
from services.api.parts import parts_of
from services.api.problems import Problem
from services.api.routes.documented import WITH_BODY, problems
from services.api.routes.versions import TAGGED, IfMatch, Version
from services.api.rule_changes import author_of, detail_of, settle
from services.api.rule_history import group_versions
from shared import clock
from shared.rules.errors import BadRule
from shared.rules.writing import group_as_file

viewer = APIRouter(route_class=ViewerRoute, tags=["rules"])
operator = APIRouter(route_class=OperatorRoute, tags=["rules"])
texts = APIRouter(route_class=RuleTextRoute, tags=["rules"])
actions = APIRouter(route_class=OperatorActionRoute, tags=["rules"])

ALL = "/api/monitoring/alerts/rules"
ONE = f"{ALL}/{{name:path}}"  # a name may hold slashes
YAML = "application/yaml"
LARGE = 16 * 1024

Name = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$", description="The group's")]


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string", "description": "The same as YAML; a rule file as Prometheus reads it"}
    content = {"application/json": {"schema": schema, "example": example}, YAML: {"schema": text}}
    return {"requestBody": {"required": True, "content": content}}


_SMALL = {"name": "custom", "condition": "custom_metric > 100", "severity": "warning", "message": "Too many"}
_RULE = {"alert": "HighErrorRate", "expr": "rate(errors_total[5m]) > 1", "for": "5m", "severity": "critical"}
_NEW = _body({"anyOf": [_schema("SmallRule"), _schema("GroupDefinition"), _schema("RuleFile")]}, _SMALL)
_REPLACEMENT = _body(_schema("GroupReplacement"), {"version": 3, "interval": "30s", "rules": [_RULE]})


@viewer.get(ALL, operation_id="getRules", summary="Rule groups in force", responses=problems(401, 403))
async def rules(request: Request) -> list[RuleGroupBody]:
    """All groups, by name, and how their evaluation goes. It works while the database is down."""
    views = parts_of(request).views
    now_ms = clock.now_ms()
    held = views.rules
    return [group_body(held[name], views.statuses.get(name), now_ms) for name in sorted(held)]


@viewer.get(
    f"{ONE}/history",
    operation_id="getRuleHistory",
    summary="The versions of a rule group",
    responses=problems(401, 403, 404, 422, 503),
)
async def history(
    request: Request, name: Name, limit: Annotated[int, Query(ge=1, le=1_000)] = 50
) -> list[GroupVersionBody]:
    """Who changed it when and to what, newest first; a deletion is one of them."""
    return await group_versions(parts_of(request).database, name, limit)


@viewer.get(
    ONE,
    operation_id="getRule",
    summary="One rule group",
    responses=problems(401, 403, 404, 422)
    | {200: {**TAGGED, "description": "As YAML it is a rule file", "content": {YAML: {"schema": {"type": "string"}}}}},
    response_model=GroupDetailBody,
)
async def rule(request: Request, name: Name, response: Response) -> GroupDetailBody | Response:
    """A group, how its evaluation goes, and `definition`: what PUT takes. It works while the database is down."""
    group = parts_of(request).views.rules.get(name)
    if group is None:
        raise Problem(404, f"There is no rule {name!r}.")
    if "yaml" in request.headers.get("accept", ""):
        text = yaml.safe_dump({"groups": [group_as_file(group)]}, sort_keys=False, allow_unicode=True)
        return Response(text, media_type=YAML, headers={"ETag": etag(group.version)})
    response.headers["ETag"] = etag(group.version)
    return detail_of(parts_of(request), group)


@texts.post(
    ALL,
    operation_id="createRule",
    summary="Create rules",
    status_code=201,
    responses=problems(401, 403, 409, 503, *WITH_BODY)
    | {200: {"description": "The very same is there already", "model": SmallRuleBody | GroupDetailBody | RuleFileBody}},
    openapi_extra=_NEW,
)
async def create(request: Request, response: Response) -> SmallRuleBody | GroupDetailBody | RuleFileBody:
    """Brings new rules into force: one of the specification's small rules, which becomes a group of its own, evaluated
    whenever a sample arrives that it selects; a group as in Prometheus' rule files; or a whole rule file, all of it or
    nothing. As JSON or, but for small rules, as YAML."""
    sent = await _read(request, None)
    parts = parts_of(request)
    try:
        changes = await parts.rulebook.create(sent.drafts, author_of(request))
    except BadRule as error:
        raise bad_input(error) from error
    published = await settle(parts, changes)
    if all(change.kind == "unchanged" for change in changes):
        response.status_code = 200
    if sent.small is not None:
        response.headers["ETag"] = etag(changes[0].group.version)
        return small_body(sent.small, changes[0].group, published=published)
    bodies = [detail_of(parts, change.group, published=published) for change in changes]
    if sent.kind == "file":
        return RuleFileBody(groups=bodies)
    response.headers["ETag"] = etag(changes[0].group.version)
    return bodies[0]


@texts.put(
    ONE,
    operation_id="putRule",
    summary="Create or replace a rule group",
    responses=problems(401, 403, 404, 409, 412, 428, 503, *WITH_BODY)
    | {200: {**TAGGED, "description": "It is in force"}, 201: {"description": "It is new", "model": GroupDetailBody}},
    openapi_extra=_REPLACEMENT,
)
async def put(request: Request, name: Name, response: Response, if_match: IfMatch = None) -> GroupDetailBody:
    """Puts a group in the place of another, whose version is to be named, in `If-Match` or the body: if it isn't in
    force any more nothing is changed. Alerts whose labels persist go on. A group that is switched off stays so."""
    sent = await _read(request, name)
    parts = parts_of(request)
    try:
        change = await parts.rulebook.replace(sent.drafts[0], seen(if_match, sent.version), author_of(request))
    except BadRule as error:
        raise bad_input(error) from error
    published = await settle(parts, [change])
    response.status_code = 201 if change.kind == "created" else 200
    response.headers["ETag"] = etag(change.group.version)
    return detail_of(parts, change.group, published=published)


@operator.patch(
    ONE,
    operation_id="enableRule",
    summary="Switch a rule group on or off",
    responses=problems(401, 403, 404, 409, 412, 503, *WITH_BODY) | {200: {**TAGGED, "description": "It is so"}},
)
async def patch(
    request: Request, name: Name, change: GroupChange, response: Response, if_match: IfMatch = None
) -> GroupDetailBody:
    """The rules of a group that is switched off are kept and not evaluated; its alerts end."""
    parts = parts_of(request)
    changed = await parts.rulebook.amend(
        name,
        lambda group: group.model_copy(update={"enabled": change.enabled}),
        "rule.enable" if change.enabled else "rule.disable",
        seen(if_match, change.version),
        author_of(request),
    )
    published = await settle(parts, [changed])
    response.headers["ETag"] = etag(changed.group.version)
    return detail_of(parts, changed.group, published=published)


@actions.post(
    f"{ONE}/promote",
    operation_id="promoteRule",
    summary="Let shadow rules tell people",
    responses=problems(401, 403, 404, 409, 412, 422, 503) | {200: {**TAGGED, "description": "It is so"}},
)
async def promote(
    request: Request,
    name: Name,
    response: Response,
    rule: Annotated[str | None, Query(max_length=200, description="The rule's name; absent: all of the group")] = None,
    version: Version = None,
    if_match: IfMatch = None,
) -> GroupDetailBody:
    """Turns `shadow` off: what the rules find is sent from now on."""
    parts = parts_of(request)
    versions, author = seen(if_match, version), author_of(request)
    try:
        changed = await parts.rulebook.amend(
            name, lambda group: promoted(group, rule), "rule.promote", versions, author
        )
    except NoSuchRule as error:
        raise Problem(404, str(error)) from None
    published = await settle(parts, [changed])
    response.headers["ETag"] = etag(changed.group.version)
    return detail_of(parts, changed.group, published=published)


@operator.delete(
    ONE,
    operation_id="deleteRule",
    summary="Delete a rule group",
    status_code=204,
    responses=problems(401, 403, 404, 409, 412, 422, 503),
)
async def delete(request: Request, name: Name, version: Version = None, if_match: IfMatch = None) -> None:
    """Takes a group out of force that was made over HTTP; its alerts end."""
    parts = parts_of(request)
    row_id = await parts.rulebook.delete(name, author_of(request), seen(if_match, version))
    await settle(parts, [], deleted=(name, row_id))


async def _read(request: Request, name: str | None) -> Sent:
    body = await request.body()
    as_yaml = media_of(request) != "application/json"

    def read() -> Sent:
        return read_new(body, yaml=as_yaml) if name is None else read_replacement(body, name, yaml=as_yaml)

    # What takes longer than a moment to read doesn't hold up the others.
    return await asyncio.to_thread(read) if len(body) > LARGE else read()
