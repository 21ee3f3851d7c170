"""What follows on a change of rules: that it is on the bus, and that whoever made it sees it."""

import asyncio
from collections.abc import Callable, Sequence

from fastapi import Request

from services.api.access import address_of, principal_of
from services.api.audit import Author
from services.api.core.rule_bodies import GroupDetailBody
from services.api.core.rules import detail_body
from services.api.parts import Parts
from services.api.rulebook import Change
from shared import clock
from shared.messages.rules import RuleGroup

VIEW_SECONDS = 2.0


def author_of(request: Request) -> Author:
    """Who makes the change."""
    return Author(principal_of(request).name, address_of(request))


def detail_of(parts: Parts, group: RuleGroup, *, published: bool = True) -> GroupDetailBody:
    """The group with how its evaluation goes."""
    return detail_body(group, parts.views.statuses.get(group.name), clock.now_ms(), published=published)


async def settle(parts: Parts, changes: Sequence[Change], deleted: tuple[str, int] | None = None) -> bool:
    """Whether all of it is on the bus within the deadline; then also wait until this api's own view has it, so that
    whoever made the change sees it. `deleted` is a group's name and the outbox row that announces its end."""
    waiting = [change.row_id for change in changes if change.row_id is not None]
    waiting += [deleted[1]] if deleted is not None else []
    # Rows are sent in the order of their ids.
    if waiting and not await parts.outbox.published(max(waiting), parts.settings.api.bus_deadline_seconds):
        return False
    versions = {change.group.name: change.group.version for change in changes}
    await _seen(lambda: all(_shows(parts, name, version) for name, version in versions.items()))
    if deleted is not None:
        name = deleted[0]
        await _seen(lambda: name not in parts.views.rules)
    return True


def _shows(parts: Parts, name: str, version: int) -> bool:
    group = parts.views.rules.get(name)
    return group is not None and group.version >= version


async def _seen(shown: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(VIEW_SECONDS):
            while not shown():  # noqa: ASYNC110  (the view is a plain value without an event)
                await asyncio.sleep(0.01)
    except TimeoutError:
        return  # the bus has it; the view follows
