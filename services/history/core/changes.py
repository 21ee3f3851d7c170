"""Versions of what is changed through a compacted topic: which messages say something new."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.history.core.instants import at
from services.history.core.tables import Row
from shared.messages.message import Message, content_id


@dataclass(frozen=True)
class Change:
    """A message of a compacted topic: `message` None deletes what `key` names."""

    key: str
    message: Message | None
    accepted_ms: int
    partition: int
    offset: int


def version_rows(latest: Mapping[str, str | None], changes: Iterable[Change]) -> list[Row]:
    """Rows of RULE_HISTORY or SILENCE_HISTORY for those of `changes`, in order, that differ from what was in force.

    `latest` is the digest of the latest version by key, None where that is a deletion, no entry where there is none.
    A message that was sent again says nothing new; a version that comes back after another does.
    """
    in_force = dict(latest)
    rows: list[Row] = []
    for change in changes:
        document = None if change.message is None else change.message.encode().decode()
        digest = None if document is None else content_id(document)
        if change.key in in_force and in_force[change.key] == digest:
            continue
        in_force[change.key] = digest
        rows.append((change.key, document, digest, at(change.accepted_ms), change.partition, change.offset))
    return rows
