"""Event time, as the markers in the log tell it: how far the samples have come, and when the world was watched."""

from bisect import bisect_left, bisect_right

import msgspec

from services.alerting.core.inputs import Marker

# Signs closer than this tell nothing more; it bounds how many are kept.
SIGN_SPACING_MS = 1_000
MOST_SIGNS = 100_000


class StoredTimeline(msgspec.Struct, frozen=True):
    """A timeline, to be kept."""

    of: int
    watermarks: dict[int, int]
    revisions: dict[int, int]
    signs: list[int]


class Timeline:
    """Built from markers alone; never goes back, so that a marker told twice changes nothing."""

    def __init__(self) -> None:
        self._of = 0
        self._watermarks: dict[int, int] = {}
        self._revisions: dict[int, int] = {}
        self._signs: list[int] = []

    def advance(self, marker: Marker) -> None:
        """Take in what a router tells."""
        self._of = max(self._of, marker.of)
        for one in marker.progress:
            self._watermarks[one.partition] = max(one.watermark_ms, self._watermarks.get(one.partition, 0))
            self._revisions[one.partition] = max(one.rules_revision, self._revisions.get(one.partition, -1))
            if one.last_sign_ms:
                self._note_sign(one.last_sign_ms)

    @property
    def watermark_ms(self) -> int:
        """What was accepted up to here, in every partition, is in the log above; 0 until all have spoken."""
        return min(self._watermarks.values()) if 0 < self._of <= len(self._watermarks) else 0

    @property
    def rules_revision(self) -> int:
        """Groups up to this revision have been filled from every partition; -1 until all partitions have spoken."""
        return min(self._revisions.values()) if 0 < self._of <= len(self._revisions) else -1

    def known(self, instant_ms: int, dark_after_ms: int) -> bool:
        """Whether the collectors gave a sign in (instant - dark_after, instant]."""
        return bisect_right(self._signs, instant_ms) > bisect_right(self._signs, instant_ms - dark_after_ms)

    def forget(self, before_ms: int) -> None:
        """Instants up to here will not be asked for again."""
        del self._signs[: bisect_right(self._signs, before_ms)]

    def _note_sign(self, sign_ms: int) -> None:
        place = bisect_left(self._signs, sign_ms)
        near_before = place > 0 and sign_ms - self._signs[place - 1] < SIGN_SPACING_MS
        same = place < len(self._signs) and self._signs[place] == sign_ms
        if not near_before and not same:
            self._signs.insert(place, sign_ms)
            del self._signs[:-MOST_SIGNS]

    def store(self) -> StoredTimeline:
        """What there is to keep."""
        return StoredTimeline(self._of, dict(self._watermarks), dict(self._revisions), list(self._signs))

    @classmethod
    def restore(cls, stored: StoredTimeline) -> "Timeline":
        """The timeline that was stored."""
        timeline = cls()
        timeline._of, timeline._signs = stored.of, list(stored.signs)
        timeline._watermarks, timeline._revisions = dict(stored.watermarks), dict(stored.revisions)
        return timeline
