"""Event time, as the markers in the log tell it: how far the samples have come, and when the world was watched.

Time follows the broker's clock. But when it leaps, the bus was away, and the collectors have yet to send what they held
meanwhile: then time waits for them, so that the instants in between are evaluated on what they saw.
"""

from bisect import bisect_left, bisect_right

import msgspec

from services.alerting.core.inputs import STATE_FORMAT, Marker, Sign
from services.alerting.core.terms import Terms

# Signs closer than this tell nothing more; it bounds how many are kept.
SIGN_SPACING_MS = 1_000
MOST_SIGNS = 100_000
MOST_SOURCES = 10_000


class StoredTimeline(msgspec.Struct, frozen=True):
    """A timeline, to be kept."""

    of: int
    watermarks: dict[int, int]
    revisions: dict[int, int]
    signs: list[int]
    sources: dict[str, tuple[int, int]]
    evaluated: dict[str, int]
    now_ms: int
    waits_until_ms: int
    awaited: list[str]


class Timeline:
    """Built from markers alone; never goes back, so that a marker told twice changes nothing."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._of = 0
        self._watermarks: dict[int, int] = {}
        self._revisions: dict[int, int] = {}
        self._signs: list[int] = []
        self._sources: dict[str, tuple[int, int]] = {}
        """Of each collector's last sign: when the broker had it, and the newest sample in it."""
        self.evaluated: dict[str, int] = {}
        """By group: what it makes of instants up to here is in the log above."""
        self.now_ms = 0
        """Instants up to here may be evaluated."""
        self._waits_until_ms = 0
        self._awaited: set[str] = set()

    def advance(self, marker: Marker) -> None:
        """Take in what a router tells."""
        self._of = max(self._of, marker.of)
        for one in marker.progress:
            self._watermarks[one.partition] = max(one.watermark_ms, self._watermarks.get(one.partition, 0))
            revision = one.rules_revision if marker.state_format == STATE_FORMAT else -1
            self._revisions[one.partition] = max(revision, self._revisions.get(one.partition, -1))
            for sign in one.signs:
                self._take(sign)
        for group, instant in marker.evaluated.items():
            self.evaluated[group] = max(instant, self.evaluated.get(group, instant))
        self._move()

    @property
    def watermark_ms(self) -> int:
        """What was accepted up to here, in every partition, is in the log above; 0 until all have spoken."""
        return min(self._watermarks.values()) if 0 < self._of <= len(self._watermarks) else 0

    @property
    def rules_revision(self) -> int:
        """Groups up to this revision have been filled from every partition; -1 until all partitions have spoken."""
        return min(self._revisions.values()) if 0 < self._of <= len(self._revisions) else -1

    def known(self, instant_ms: int, dark_after_ms: int) -> bool:
        """Whether a collector watched in (instant - dark_after, instant]."""
        return bisect_right(self._signs, instant_ms) > bisect_right(self._signs, instant_ms - dark_after_ms)

    def forget(self, before_ms: int) -> None:
        """Instants up to here will not be asked for again."""
        del self._signs[: bisect_right(self._signs, before_ms)]

    def forget_group(self, group: str) -> None:
        """The group is gone."""
        self.evaluated.pop(group, None)

    def _move(self) -> None:
        watermark = self.watermark_ms
        if watermark <= self.now_ms:
            return
        if self.now_ms and not self._awaited and watermark - self.now_ms > self._terms.leap_ms:
            since = self.now_ms - self._terms.dark_after_ms
            self._awaited = {
                source
                for source, (heard, newest) in self._sources.items()
                if heard > since and (heard <= self.now_ms or self._is_behind(heard, newest))
            }
            self._waits_until_ms = watermark + self._terms.patience_ms
        if not self._awaited or watermark >= self._waits_until_ms:
            self._awaited = set()
            self.now_ms = watermark

    def _take(self, sign: Sign) -> None:
        # A batch of old samples shows that it was watched then, and that somebody is there now.
        self._note(sign.accepted_ms)
        if sign.newest_ms < sign.accepted_ms:
            self._note(sign.newest_ms)
        known = self._sources.get(sign.source, (0, 0))
        if sign.accepted_ms < known[0]:
            return
        self._sources[sign.source] = max(known, (sign.accepted_ms, sign.newest_ms))
        if sign.accepted_ms > self.now_ms and not self._is_behind(sign.accepted_ms, sign.newest_ms):
            self._awaited.discard(sign.source)  # it has sent what it held
        if len(self._sources) > MOST_SOURCES:
            del self._sources[min(self._sources, key=self._sources.__getitem__)]

    def _is_behind(self, accepted_ms: int, newest_ms: int) -> bool:
        return accepted_ms - newest_ms > self._terms.lateness_ms

    def _note(self, sign_ms: int) -> None:
        place = bisect_left(self._signs, sign_ms)
        near_before = place > 0 and sign_ms - self._signs[place - 1] < SIGN_SPACING_MS
        same = place < len(self._signs) and self._signs[place] == sign_ms
        if not near_before and not same:
            self._signs.insert(place, sign_ms)
            if len(self._signs) > MOST_SIGNS:
                # The older half tells no less of minutes with every other sign.
                self._signs[: MOST_SIGNS // 2] = self._signs[: MOST_SIGNS // 2 : 2]

    def store(self) -> StoredTimeline:
        """What there is to keep."""
        return StoredTimeline(
            self._of,
            dict(self._watermarks),
            dict(self._revisions),
            list(self._signs),
            dict(self._sources),
            dict(self.evaluated),
            self.now_ms,
            self._waits_until_ms,
            sorted(self._awaited),
        )

    @classmethod
    def restore(cls, terms: Terms, stored: StoredTimeline) -> "Timeline":
        """The timeline that was stored."""
        timeline = cls(terms)
        timeline._of, timeline._signs, timeline._sources = stored.of, list(stored.signs), dict(stored.sources)
        timeline._watermarks, timeline._revisions = dict(stored.watermarks), dict(stored.revisions)
        timeline.evaluated, timeline.now_ms = dict(stored.evaluated), stored.now_ms
        timeline._waits_until_ms, timeline._awaited = stored.waits_until_ms, set(stored.awaited)
        return timeline
