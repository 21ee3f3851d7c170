"""Which version somebody who makes a change has seen, so that nobody's change is lost."""

import re
from dataclasses import dataclass

from services.api.core.bodies import Where
from services.api.core.ingest import BadInput

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Seen:
    """The versions that may be changed; None: any. `by_header` if `If-Match` says so, `stated` if anything does."""

    versions: frozenset[int] | None = None
    by_header: bool = False

    @property
    def stated(self) -> bool:
        """Whether anything was said."""
        return self.by_header or self.versions is not None

    def allows(self, version: int) -> bool:
        """Whether the version in force is one that may be changed."""
        return self.versions is None or version in self.versions


NOTHING_SEEN = Seen()


def seen(if_match: str | None, version: int | None) -> Seen:
    """What the header `If-Match` and the body's `version` say. BadInput if the header is none, or they disagree."""
    if if_match is None:
        return NOTHING_SEEN if version is None else Seen(frozenset({version}))
    header = _header(if_match)
    if version is None:
        return header
    if not header.allows(version):
        raise BadInput([Where(where="body.version", reason="is not among the versions that If-Match names")])
    return Seen(frozenset({version}), by_header=True)


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def _header(text: str) -> Seen:
    if text.strip() == "*":
        return Seen(by_header=True)
    tags = [part.strip() for part in text.split(",")]
    found = [_TAG.fullmatch(tag) for tag in tags]
    if not all(found):
        raise BadInput(
            [Where(where="If-Match", reason='is to be the ETag of the version that you have seen, e.g. "3"')]
        )
    # A tag that is no version of ours is that of none.
    versions = {int(one[1]) for one in found if one and re.fullmatch(r"[0-9]{1,10}", one[1])}
    return Seen(frozenset(version for version in versions if version <= _LARGEST), by_header=True)
