"""A fold as chunks of bytes and a manifest that names them, and back.

Chunks are immutable: what did not change since the last snapshot is named again, not written again. Samples are in
segments, each what was taken in between two snapshots; one goes when nobody needs its samples any more, and many small
ones that are kept for long are joined. The manifest is written last and says up to which offset of the log the state
has been folded.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

import cramjam
import msgspec

from services.alerting.core.fold import Fold, StoredFold
from services.alerting.core.group import StoredGroup
from services.alerting.core.inputs import STATE_FORMAT
from services.alerting.core.journal import CLASSES_MS, Arrival, Entry, Taken, by_class, joined_entries, pack, unpack
from services.alerting.core.store import StoredSeries
from services.alerting.core.terms import Terms

LARGEST_CHUNK = 512 * 1024
# More segments of a class than this are joined, the older half into one.
MOST_SEGMENTS = 128


class BadSnapshot(ValueError):
    """A snapshot that can't be used; the text says why."""


class OtherFormat(BadSnapshot):
    """A snapshot of another version of this program."""


class Segment(msgspec.Struct, frozen=True):
    """Samples of a class: all are of `last_ms` or before."""

    reach_class: int
    older: bool
    """Whether they came before what there was then."""
    last_ms: int
    keys: list[str]


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot consists of, by the keys of its chunks."""

    format: int
    next_offset: int
    """Everything in the log below has been folded."""
    fold: list[str]
    """The StoredFold."""
    definitions: list[str]
    """The definition of each group, by name."""
    states: list[str]
    """The StoredGroups, without their definitions."""
    series: list[str]
    """The StoredSeries."""
    arrivals: list[tuple[int, list[str]]]
    """Arrivals, and the time of the last sample of all in a piece."""
    segments: list[Segment]

    @property
    def keys(self) -> set[str]:
        """All chunks that it needs."""
        parts = [self.fold, self.definitions, self.states, self.series]
        parts += [keys for _, keys in self.arrivals] + [segment.keys for segment in self.segments]
        return {key for keys in parts for key in keys}


class Snapshot(msgspec.Struct, frozen=True):
    """What is to be written: first the chunks, then the manifest."""

    chunks: dict[str, bytes]
    manifest: Manifest


class _Cutter:
    """Makes chunks with keys unlike any others."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.chunks: dict[str, bytes] = {}

    def cut(self, part: str, data: bytes) -> list[str]:
        keys = []
        for number, start in enumerate(range(0, len(data), LARGEST_CHUNK)):
            keys.append(f"{self._name}/{part}/{number}")
            self.chunks[keys[-1]] = data[start : start + LARGEST_CHUNK]
        return keys


class Parts(msgspec.Struct, frozen=True):
    """What a fold holds that its last snapshot does not, and what is written anew each time. Nothing else moves it."""

    horizon_ms: int
    samples: Taken
    arrivals: list[Arrival]
    definitions: dict[str, bytes | None] | None
    series: list[StoredSeries] | None
    states: dict[str, StoredGroup]
    fold: StoredFold


def parts(fold: Fold) -> Parts:
    """Take from a fold, with nothing of it in hand, what the next snapshot is made of.

    The fold's journal is empty afterwards: if the snapshot is not written, the fold must be restored.
    """
    states = {
        name: msgspec.structs.replace(one, change=msgspec.structs.replace(one.change, definition=None))
        for name, one in ((name, group.store()) for name, group in fold.groups.items())
    }
    definitions = {name: group.change.definition for name, group in fold.groups.items()} if fold.defined else None
    series = fold.store.stored_series() if fold.store.changed else None
    samples, arrivals = fold.store.journal.drain()
    fold.defined = fold.store.changed = False
    return Parts(fold.store.horizon_ms, samples, arrivals, definitions, series, states, fold.stored())


def write(
    taken: Parts, next_offset: int, before: Manifest | None, name: str, stored: Callable[[str], bytes | None]
) -> Snapshot:
    """The snapshot of a fold that has folded everything below `next_offset`.

    `before`: the last one that the same fold wrote or was restored from; `stored` gives its chunks. `name` makes the
    keys of new chunks unlike any others.
    """
    cutter, horizon = _Cutter(name), taken.horizon_ms
    segments = _still_needed(before.segments if before else [], horizon)
    for age, entries in zip(Taken._fields, taken.samples, strict=True):
        for number, entry in by_class(entries).items():
            keys = cutter.cut(f"samples-{age}-{number}", pack(entry))
            segments.append(Segment(number, age == "older", int(entry.times.max()), keys))
    arrivals = [one for one in (before.arrivals if before else []) if one[0] > horizon - CLASSES_MS[0]]
    if taken.arrivals:
        last_ms = max(one.last_ms for one in taken.arrivals)
        arrivals.append((last_ms, cutter.cut("arrivals", _squeezed(taken.arrivals))))
    definitions, series = before.definitions if before else [], before.series if before else []
    if taken.definitions is not None:
        definitions = cutter.cut("definitions", _squeezed(taken.definitions))
    if taken.series is not None:
        series = cutter.cut("series", _squeezed(taken.series))
    manifest = Manifest(
        format=STATE_FORMAT,
        next_offset=next_offset,
        fold=cutter.cut("fold", _squeezed(taken.fold)),
        definitions=definitions,
        states=cutter.cut("states", _squeezed(taken.states)),
        series=series,
        arrivals=arrivals,
        segments=_joined(segments, cutter, stored),
    )
    return Snapshot(cutter.chunks, manifest)


def take(
    fold: Fold, next_offset: int, before: Manifest | None, name: str, stored: Callable[[str], bytes | None]
) -> Snapshot:
    """Both at once."""
    return write(parts(fold), next_offset, before, name, stored)


def restore(
    terms: Terms, manifest: Manifest, chunks: Mapping[str, bytes], lock: AbstractContextManager[object] | None = None
) -> Fold:
    """The fold in a snapshot, `lock` as for a new one. BadSnapshot if a chunk is missing or unreadable."""

    def joined(keys: list[str]) -> bytes:
        try:
            return b"".join(chunks[key] for key in keys)
        except KeyError as error:
            raise BadSnapshot(f"chunk {error} is missing") from error

    def entries() -> Iterator[Entry]:
        # Windows are filled backwards: in this order each is appended to.
        older = [segment for segment in manifest.segments if segment.older]
        newer = [segment for segment in manifest.segments if not segment.older]
        for segment in (*reversed(older), *newer):
            yield unpack(joined(segment.keys))

    try:
        definitions = _definitions.decode(_stretched(joined(manifest.definitions)))
        states = _states.decode(_stretched(joined(manifest.states)))

        def group(name: str) -> StoredGroup:
            kept = states[name]
            return msgspec.structs.replace(
                kept, change=msgspec.structs.replace(kept.change, definition=definitions[name])
            )

        stored = _fold.decode(_stretched(joined(manifest.fold)))
        fold = Fold.restore(terms, stored, group, lock)
        series = _series.decode(_stretched(joined(manifest.series)))
        arrivals = [one for _, keys in manifest.arrivals for one in _arrivals.decode(_stretched(joined(keys)))]
        fold.store.restore(series, entries(), arrivals, stored.horizon_ms)
        fold.defined = False
        return fold
    except (msgspec.DecodeError, cramjam.DecompressionError, KeyError) as error:
        raise BadSnapshot(f"the stored state can't be read: {error}") from error


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of a manifest."""
    return _encoder.encode(manifest)


def decode_manifest(payload: bytes) -> Manifest:
    """The manifest in `payload`. BadSnapshot if it is none of this format."""
    try:
        manifest = _manifest.decode(payload)
    except msgspec.DecodeError as error:
        raise BadSnapshot(f"the manifest can't be read: {error}") from error
    if manifest.format != STATE_FORMAT:
        raise OtherFormat(f"the snapshot's format is {manifest.format}, this version reads {STATE_FORMAT}")
    return manifest


def _still_needed(segments: list[Segment], horizon_ms: int) -> list[Segment]:
    return [one for one in segments if one.last_ms > horizon_ms - CLASSES_MS[one.reach_class]]


def _joined(segments: list[Segment], cutter: _Cutter, stored: Callable[[str], bytes | None]) -> list[Segment]:
    """The segments, the older half of a class that has many of them joined into one."""
    result = list(segments)
    for number, is_older in sorted({(one.reach_class, one.older) for one in segments}):
        mine = [one for one in result if (one.reach_class, one.older) == (number, is_older)]
        if len(mine) <= MOST_SEGMENTS:
            continue
        older = mine[: MOST_SEGMENTS // 2]
        whole: list[Entry] = []
        for one in older:
            pieces = [cutter.chunks.get(key) or stored(key) for key in one.keys]
            if any(piece is None for piece in pieces):
                return segments  # the next snapshot may have them
            whole.append(unpack(b"".join(piece for piece in pieces if piece is not None)))
        together = joined_entries(whole)
        keys = cutter.cut(f"joined-{number}-{is_older:d}", pack(together))
        joined = Segment(number, is_older, max(one.last_ms for one in older), keys)
        place = result.index(older[0])
        result = [one for one in result if one not in older]
        result.insert(place, joined)
    return result


def _squeezed(value: object) -> bytes:
    return bytes(cramjam.zstd.compress(_encoder.encode(value), level=1))


def _stretched(data: bytes) -> bytes:
    return bytes(cramjam.zstd.decompress(data))


_encoder = msgspec.msgpack.Encoder()
_manifest = msgspec.msgpack.Decoder(Manifest)
_fold = msgspec.msgpack.Decoder(StoredFold)
_definitions = msgspec.msgpack.Decoder(dict[str, bytes])
_states = msgspec.msgpack.Decoder(dict[str, StoredGroup])
_series = msgspec.msgpack.Decoder(list[StoredSeries])
_arrivals = msgspec.msgpack.Decoder(list[Arrival])
