"""A fold as chunks of bytes and a manifest that names them, and back.

Chunks are immutable: what did not change since the last snapshot is named again, not written again. The manifest is
written last and says up to which offset of the log the state has been folded.
"""

from collections.abc import Generator, Mapping
from typing import cast

import msgspec

from services.alerting.core.fold import Fold, StoredFold
from services.alerting.core.group import StoredGroup
from services.alerting.core.terms import Terms

LARGEST_CHUNK = 512 * 1024
FORMAT = 1


class BadSnapshot(ValueError):
    """A snapshot that can't be used; the text says why."""


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot consists of."""

    format: int
    next_offset: int
    """Everything in the log below has been folded."""
    fold: list[str]
    """Keys of the chunks that hold the StoredFold."""
    groups: dict[str, list[str]]
    """By group, the keys of the chunks that hold its StoredGroup."""

    @property
    def keys(self) -> set[str]:
        """All chunks that it needs."""
        return {*self.fold, *(key for keys in self.groups.values() for key in keys)}


class Snapshot(msgspec.Struct, frozen=True):
    """What is to be written: first the chunks, then the manifest."""

    chunks: dict[str, bytes]
    manifest: Manifest


def taking(fold: Fold, next_offset: int, before: Manifest | None, name: str) -> Generator[None, None, Snapshot]:
    """Takes, group by group, the snapshot of a fold that has folded everything below `next_offset`; returns it.

    Between two groups the caller may let others run, but must not fold. `before`: the last one that this same fold
    wrote, of which unchanged groups are named again; `name` makes the keys of new chunks unlike any others.
    """
    chunks: dict[str, bytes] = {}
    groups: dict[str, list[str]] = {}
    for number, group in enumerate(fold.groups):
        if before is not None and group in before.groups and group not in fold.changed:
            groups[group] = before.groups[group]
        else:
            groups[group] = _cut(_encoder.encode(fold.store_group(group)), f"{name}/{number}", chunks)
            yield
    fold.changed.clear()
    rest = _cut(_encoder.encode(fold.store()), f"{name}/fold", chunks)
    return Snapshot(chunks, Manifest(FORMAT, next_offset, rest, groups))


def take(fold: Fold, next_offset: int, before: Manifest | None, name: str) -> Snapshot:
    """The same at once."""
    steps = taking(fold, next_offset, before, name)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast(Snapshot, end.value)


def restore(terms: Terms, manifest: Manifest, chunks: Mapping[str, bytes]) -> Fold:
    """The fold in a snapshot. BadSnapshot if a chunk is missing or unreadable."""

    def joined(keys: list[str]) -> bytes:
        try:
            return b"".join(chunks[key] for key in keys)
        except KeyError as error:
            raise BadSnapshot(f"chunk {error} is missing") from error

    def group(name: str) -> StoredGroup:
        return _group_decoder.decode(joined(manifest.groups[name]))

    try:
        return Fold.restore(terms, _fold_decoder.decode(joined(manifest.fold)), group)
    except (msgspec.DecodeError, KeyError) as error:
        raise BadSnapshot(f"the stored state can't be read: {error}") from error


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of a manifest."""
    return _encoder.encode(manifest)


def decode_manifest(payload: bytes) -> Manifest:
    """The manifest in `payload`. BadSnapshot if it is none of this format."""
    try:
        manifest = _manifest_decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise BadSnapshot(f"the manifest can't be read: {error}") from error
    if manifest.format != FORMAT:
        raise BadSnapshot(f"the snapshot's format is {manifest.format}, this version reads {FORMAT}")
    return manifest


def _cut(data: bytes, name: str, chunks: dict[str, bytes]) -> list[str]:
    keys = []
    for number, start in enumerate(range(0, len(data), LARGEST_CHUNK)):
        keys.append(f"{name}/{number}")
        chunks[keys[-1]] = data[start : start + LARGEST_CHUNK]
    return keys


_encoder = msgspec.msgpack.Encoder()
_manifest_decoder = msgspec.msgpack.Decoder(Manifest)
_fold_decoder = msgspec.msgpack.Decoder(StoredFold)
_group_decoder = msgspec.msgpack.Decoder(StoredGroup)
