"""The versions of a rule group, told from what was stored of them."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from services.api.core.rule_bodies import GroupVersionBody
from services.api.core.rules import definition_of
from shared.messages.rules import RuleGroup


class Stored(NamedTuple):
    """A version as history stored it; without a group it is a deletion."""

    group: RuleGroup | None
    at_ms: int


class Deletion(NamedTuple):
    """Who made the version that is no group."""

    version: int
    actor: str
    at_ms: int


class Current(NamedTuple):
    """The version in force, or the deletion that took it out of force."""

    version: int
    stored: Stored
    updated_by: str


def deleted_versions(stored: Sequence[Stored]) -> list[int]:
    """The versions that the deletions among these ended; newest first, as `stored` is."""
    pairs = pairwise(stored)
    return [before.group.version for one, before in pairs if one.group is None and before.group is not None]


def versions(
    stored: Sequence[Stored], current: Current | None, deletions: Iterable[Deletion], limit: int
) -> list[GroupVersionBody]:
    """The versions, newest first; `stored` is too, and may lag behind `current`."""
    known = {one.version: one for one in deletions}
    numbered: list[tuple[int | None, Stored, str | None]] = []
    for place, one in enumerate(stored):
        before = stored[place + 1].group if place + 1 < len(stored) else None
        if one.group is not None:
            numbered.append((one.group.version, one, one.group.updated_by))
        elif before is not None and (told := known.get(before.version + 1)) is not None:
            numbered.append((told.version, Stored(None, told.at_ms), told.actor))
        else:
            numbered.append((None if before is None else before.version + 1, one, None))
    if current is not None and (not numbered or numbered[0][0] != current.version):
        numbered.insert(0, (current.version, current.stored, current.updated_by))
    found = []
    for place, (version, one, author) in enumerate(numbered[:limit]):
        first = version == 1 or (place + 1 < len(numbered) and numbered[place + 1][1].group is None)
        found.append(_body(version, one, author, first=first))
    return found


def _body(version: int | None, stored: Stored, author: str | None, *, first: bool) -> GroupVersionBody:
    group = stored.group
    if group is None:
        return GroupVersionBody(
            version=version, action="delete", updated_by=author, updated_at=stored.at_ms, enabled=None, definition=None
        )
    return GroupVersionBody(
        version=version,
        action="create" if first else "update",
        updated_by=author,
        updated_at=group.updated_at,
        enabled=group.enabled,
        definition=definition_of(group),
    )
