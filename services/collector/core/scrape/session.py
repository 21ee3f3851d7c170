"""The scrapes of one target, one after another: what is new, what is there, what is gone.

The semantics are those of Prometheus' `scrape` package. A line costs little after the first time: the text of its
series is looked up, and while a target exposes the same series in the same order not even that is needed.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.collector.core.scrape import lines, metadata
from services.collector.core.scrape.errors import BadScrape
from services.collector.core.scrape.labelling import Labelling
from services.collector.core.scrape.lines import Line
from services.collector.core.scrape.taken import Taken
from shared.messages.message import BadMessage
from shared.messages.samples import EARLIEST_MS
from shared.messages.series import NAME

# Samples further ahead of the scrape are refused, as Prometheus does.
AHEAD_MS = 10 * 60 * 1000
# A target whose scrapes fail may show new series each time; they are forgotten beyond this.
UNUSED_SERIES = 1_000


@dataclass(frozen=True)
class Terms:
    """How a target is scraped, as far as its content goes."""

    labelling: Labelling
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    sample_limit: int = 0
    """After relabelling; 0 is without limit."""


class Entry:
    """A series as the target writes it. `key` is None if it is dropped, `refused` says why it can't be carried."""

    __slots__ = ("key", "name", "refused", "scrapes", "text", "type")

    def __init__(self, text: str, name: str, key: str | None, refused: str, kind: str) -> None:
        self.text, self.name, self.key, self.refused, self.type = text, name, key, refused, kind
        self.scrapes = 0
        """How many scrapes it has been taken in."""


@dataclass
class _Layout:
    """What is the same from scrape to scrape while the series and their order are."""

    heads: list[str]
    keys: list[str]
    types: list[str]
    rows: npt.NDArray[np.intp] | None
    """Which lines hold the samples that are kept; None for all of them."""
    dropped: int
    refused: Counter[str]


@dataclass
class _Found:
    """The lines of one exposition that hold samples."""

    heads: list[str]
    values: list[str]
    entries: list[Entry] = field(default_factory=list)
    own_times: dict[int, int] = field(default_factory=dict)
    """Line -> its own time in ms."""
    plain: bool = True
    """Whether each line is its series, a space and its value, and nothing more."""


class Session:
    """What is remembered of one target. Not to be used by two threads at once."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._entries: dict[str, Entry] = {}
        self._comments: list[str] = []
        self._types: dict[str, str] = {}
        self._openmetrics = False
        self._layout: _Layout | None = None
        self._tracked: dict[str, str] = {}
        self._in_success = 0
        self.helps: dict[str, str] = {}
        """The help texts of the last scrape, by metric family as it is written there."""

    def take(self, body: bytes, openmetrics: bool, at_ms: int) -> Taken:
        """The scrape at `at_ms` that brought `body`. It never raises: one that can't be read has failed."""
        taken = Taken()
        try:
            found = self._read(body, openmetrics, taken)
            tracked = self._take(found, at_ms, taken)
        except BadScrape as error:
            return self.failed(error.reason, str(error), taken)
        if tracked is not self._tracked:
            taken.stale = sorted(one for one in self._tracked.items() if one[0] not in tracked)
            self._tracked = tracked
        return taken

    def failed(self, reason: str, error: str, before: Taken | None = None) -> Taken:
        """The scrape failed: nothing is taken, and what was there is stale. `before` holds what was counted so far."""
        counted = before or Taken()
        gone = sorted(self._tracked.items())
        self._tracked = {}
        if len(self._entries) > 2 * self._in_success + UNUSED_SERIES:
            self._entries.clear()
            self._layout = None
        return Taken(
            stale=gone,
            scraped=counted.scraped,
            post_relabelling=counted.post_relabelling,
            added=counted.added,
            refused=counted.refused,
            failure=reason,
            error=error,
        )

    def ended(self) -> list[tuple[str, str]]:
        """The target is gone: the series (with their types) that end with it."""
        gone = sorted(self._tracked.items())
        self._tracked = {}
        return gone

    def _read(self, body: bytes, openmetrics: bool, taken: Taken) -> _Found:
        openmetrics = openmetrics and bool(body)  # nothing at all is taken for a target without series
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise BadScrape("parse", f"not UTF-8 at byte {error.start}") from error
        every = text.split("\n")
        if openmetrics:
            every = _without_end(every)
        comments = [line for line in every if line[:1] == "#"]
        samples = [line for line in every if line and line[0] != "#"]
        if not openmetrics:
            indented = [line for line in samples if line[0] in " \t" and line.lstrip(" \t")[:1] in ("", "#")]
            if indented:
                comments += [line for line in indented if line.strip(" \t")]
                samples = [line for line in samples if line[0] not in " \t" or line.lstrip(" \t")[:1] not in ("", "#")]
        elif len(samples) + len(comments) < len(every):
            raise BadScrape("parse", "an empty line")
        taken.scraped = len(samples)
        self._describe(comments, openmetrics)
        parts = [line.rpartition(" ") for line in samples]
        heads, values = [part[0] for part in parts], [part[2] for part in parts]
        found = _Found(heads, values)
        if self._layout is None or self._layout.heads != heads:
            self._layout = None
            self._resolve(samples, found)
        return found

    def _describe(self, comments: list[str], openmetrics: bool) -> None:
        """Types and help texts; read anew only if they changed."""
        if comments == self._comments and openmetrics == self._openmetrics:
            return
        described = metadata.read(comments, openmetrics)
        if openmetrics != self._openmetrics:
            self._entries.clear()
        self._types, self.helps = described.types, described.helps
        for entry in self._entries.values():
            entry.type = metadata.type_of(entry.name, self._types)
        self._comments, self._openmetrics, self._layout = comments, openmetrics, None

    def _resolve(self, samples: list[str], found: _Found) -> None:
        """The entry of each line."""
        known = [self._entries.get(head) for head in found.heads]
        for row, entry in enumerate(known):
            if entry is not None:
                found.entries.append(entry)
                continue
            line = lines.read(samples[row], self._openmetrics)
            if line.text != found.heads[row]:
                found.plain, found.values[row] = False, line.value
                if line.time_ms is not None and self._terms.honor_timestamps:
                    found.own_times[row] = line.time_ms
            found.entries.append(self._entries.get(line.text) or self._admit(line))

    def _admit(self, line: Line) -> Entry:
        labels = line.labels()
        name = labels[NAME]
        key, refused = None, ""
        try:
            key = self._terms.labelling.key(labels)
        except BadMessage:
            refused = "bad_sample"
        entry = Entry(line.text, name, key, refused, metadata.type_of(name, self._types))
        self._entries[line.text] = entry
        return entry

    def _take(self, found: _Found, at_ms: int, taken: Taken) -> dict[str, str]:
        """Fill `taken`; the series that are to be missed when they don't come again, with their types."""
        values = np.array(lines.numbers(found.values), np.float64)
        layout = self._layout or self._lay_out(found, at_ms, taken)
        rows = layout.rows
        taken.keys, taken.types = layout.keys, layout.types
        taken.values = values if rows is None else values[rows]
        taken.times = np.full(len(layout.keys), at_ms, np.int64)
        taken.refused = Counter(layout.refused)
        taken.post_relabelling = taken.scraped - layout.dropped
        if found.own_times:
            kept = range(taken.scraped) if rows is None else rows.tolist()
            taken.times = np.array([found.own_times.get(row, at_ms) for row in kept], np.int64)
            taken.repeated = len(set(taken.keys)) < len(taken.keys)
        limit = self._terms.sample_limit
        if limit and len(taken.keys) > limit:
            raise BadScrape("sample_limit", f"{len(taken.keys)} samples after relabelling: at most {limit}")
        if self._layout is not None:
            return self._tracked or dict(zip(layout.keys, layout.types, strict=True))
        self._remember(found, layout)
        if not found.own_times or self._terms.track_timestamps_staleness:
            return dict(zip(layout.keys, layout.types, strict=True))
        kept = range(taken.scraped) if rows is None else rows.tolist()
        own = [row in found.own_times for row in kept]
        return {key: kind for key, kind, is_own in zip(layout.keys, layout.types, own, strict=True) if not is_own}

    def _lay_out(self, found: _Found, at_ms: int, taken: Taken) -> _Layout:
        """Which samples are kept. Of two of a series at one time it is the first, as in Prometheus."""
        keys: list[str] = []
        types: list[str] = []
        rows: list[int] = []
        refused: Counter[str] = Counter()
        dropped = 0
        seen: set[tuple[str, int]] = set()
        for row, entry in enumerate(found.entries):
            time_ms = found.own_times.get(row, at_ms)
            if entry.key is None:
                if entry.refused:
                    refused[entry.refused] += 1
                else:
                    dropped += 1
                continue
            if not EARLIEST_MS <= time_ms <= at_ms + AHEAD_MS:
                refused["out_of_bounds"] += 1
                continue
            if (entry.key, time_ms) in seen:
                refused["duplicate_sample"] += 1
                continue
            seen.add((entry.key, time_ms))
            keys.append(entry.key)
            types.append(entry.type)
            rows.append(row)
            taken.added += not entry.scrapes
            entry.scrapes += 1
        kept = None if len(rows) == len(found.entries) else np.array(rows, np.intp)
        return _Layout(found.heads, keys, types, kept, dropped, refused)

    def _remember(self, found: _Found, layout: _Layout) -> None:
        """After a scrape that succeeded: forget the series that were not in it."""
        present = {entry.text: entry for entry in found.entries}
        if len(present) < len(self._entries):
            self._entries = present
        self._in_success = len(present)
        if found.plain:
            self._layout = layout


def _without_end(every: list[str]) -> list[str]:
    """The lines before `# EOF`. BadScrape if it is missing, or something follows it."""
    end = len(every) - 1 if every[-1] else len(every) - 2
    if end < 0 or every[end] != "# EOF" or "# EOF" in every[:end]:
        raise BadScrape("parse", "the exposition does not end with `# EOF`")
    return every[:end]
