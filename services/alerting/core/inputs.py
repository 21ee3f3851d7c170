"""The messages of `pantau.alerting.log`: what the ordered log of a partition's rule groups is made of.

The router writes them, the fold reads them. MessagePack, one tagged map per message; samples of several batches may
share one.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from shared.messages.message import BadMessage
from shared.messages.samples import check_index
from shared.promql.windows import Floats, Ints

STATE_FORMAT = 5
"""Of what folds keep. A fold can't go on with the state of another format: it begins anew, all windows are filled
again, and what was said of filled windows before does not count."""


class RuleChange(msgspec.Struct, frozen=True, tag="rules", tag_field="kind", omit_defaults=True):
    """A rule group as it is from here on. May be told several times: only a higher revision, or wiring, counts."""

    group: str
    revision: int
    """Offset in `pantau.rules`."""
    accepted_ms: int
    definition: bytes | None = None
    """The RuleGroup as JSON; None: the group is deleted."""
    wired: int = -1
    """Revision of all rules together as of which the rest was worked out."""
    reads: list[str] = []
    """Groups whose outputs it reads: its instants wait for theirs."""
    is_read: bool = False
    """Whether another group reads its outputs: then it tells how far it has come, even if it made nothing."""
    cycle: list[str] = []
    """The path of groups that read each other, if it would close a cycle: then it is refused."""
    from_history: bool = False
    """Its windows reach back beyond what the bus holds: they are filled only once `Filled` says so."""


class Samples(msgspec.Struct, frozen=True, tag="samples", tag_field="kind", omit_defaults=True):
    """Samples of one batch that some rule of the partition's groups selects; columns as in `pantau.samples`."""

    source: str
    series: msgspec.Raw
    """The array of series keys, not decoded: a source sends the same ones again and again."""
    index: bytes
    times: bytes
    values: bytes
    partition: int
    offset: int
    accepted_ms: int
    made_by: str | None = None
    """The group that derived them."""
    fill: bool = False
    """They fill windows of groups that are newer than they are; nothing is evaluated on their arrival."""

    @property
    def nbytes(self) -> int:
        """About what it takes in a message."""
        return memoryview(self.series).nbytes + len(self.index) + len(self.times) + len(self.values)

    def columns(self) -> tuple[Ints, Ints, Floats]:
        """(index into `series`, times in ms, values), one element a sample."""
        return (
            np.frombuffer(self.index, "<u4").astype(np.int64),
            np.frombuffer(self.times, "<i8"),
            np.frombuffer(self.values, "<f8"),
        )


class Several(msgspec.Struct, frozen=True, tag="several", tag_field="kind"):
    """Samples of several batches, in order: a message of their own each would cost more than they do."""

    parts: list[Samples]


class Filled(msgspec.Struct, frozen=True, tag="filled", tag_field="kind"):
    """A group's windows hold what history had of the time before the bus's oldest messages."""

    group: str
    revision: int


class Sign(msgspec.Struct, frozen=True, array_like=True):
    """A collector's sign of life."""

    source: str
    accepted_ms: int
    newest_ms: int
    """The time of the newest sample in its batch."""


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far one partition of `pantau.samples` has been routed."""

    partition: int
    watermark_ms: int
    """Everything that the broker accepted up to here has been routed."""
    rules_revision: int
    """Groups up to this revision have been told, and their windows filled, from this partition; -1: none yet."""
    signs: list[Sign] = []
    """Of collectors, since the last marker."""


class Marker(msgspec.Struct, frozen=True, tag="marker", tag_field="kind"):
    """The progress of the samples partitions that one router owns: what moves time."""

    of: int
    """How many partitions `pantau.samples` has."""
    progress: list[Progress]
    evaluated: dict[str, int] = {}
    """By group: what it makes of instants up to here is in the log above."""
    state_format: int = STATE_FORMAT
    """For folds of which format windows have been filled."""


Input = RuleChange | Samples | Filled | Marker


def decode(payload: bytes) -> Sequence[Input]:
    """The inputs in `payload`, in order. BadMessage with the reason if there are none."""
    try:
        message = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"not an input of a rule group: {error}") from error
    inputs = message.parts if isinstance(message, Several) else [message]
    for one in inputs:
        if isinstance(one, Samples):
            _check(one)
    return inputs


def series_of(message: Samples) -> list[str]:
    """The series keys of a message. BadMessage if there is an index beyond them, or they are none."""
    try:
        series = _series_decoder.decode(message.series)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"not a list of series: {error}") from error
    check_index(message.index, len(series))
    return series


def raw_series(series: list[str]) -> msgspec.Raw:
    """Series keys as they are in a message."""
    return msgspec.Raw(_encoder.encode(series))


def _check(message: Samples) -> None:
    if len(message.times) % 8 or len(message.values) != len(message.times):
        raise BadMessage("columns times and values are not of one length")
    if len(message.index) * 2 != len(message.times):
        raise BadMessage("columns index and times are not of one length")


def dump(message: Input | Several) -> bytes:
    """The MessagePack bytes of an input, or of several."""
    return _encoder.encode(message)


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Input | Several] = msgspec.msgpack.Decoder(Input | Several)
_series_decoder: msgspec.msgpack.Decoder[list[str]] = msgspec.msgpack.Decoder(list[str])
