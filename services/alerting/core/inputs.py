"""The messages of `pantau.alerting.inputs`: what a rule group's ordered log is made of.

The router writes them, the fold reads them. MessagePack, one tagged map per message.
"""

import msgspec
import numpy as np

from shared.messages.message import BadMessage
from shared.promql.windows import Floats, Ints


class RuleChange(msgspec.Struct, frozen=True, tag="rules", tag_field="kind"):
    """A rule group as it is from here on. May be told several times: only a higher revision counts."""

    group: str
    revision: int
    """Offset in `pantau.rules`."""
    accepted_ms: int
    definition: bytes | None = None
    """The RuleGroup as JSON; None: the group is deleted."""


class GroupSamples(msgspec.Struct, frozen=True, tag="samples", tag_field="kind"):
    """Samples that some rule of the group selects, from one batch; columns as in `pantau.samples`."""

    group: str
    series: list[str]
    index: bytes
    times: bytes
    values: bytes
    partition: int
    offset: int
    accepted_ms: int
    fill: bool = False
    """Older than the rule: fills its window, and is not evaluated on arrival."""

    def columns(self) -> tuple[Ints, Ints, Floats]:
        """(index into `series`, times in ms, values), one element a sample."""
        return (
            np.frombuffer(self.index, "<u4").astype(np.int64),
            np.frombuffer(self.times, "<i8"),
            np.frombuffer(self.values, "<f8"),
        )


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far one partition of `pantau.samples` has been routed."""

    partition: int
    watermark_ms: int
    """Everything that the broker accepted up to here has been routed."""
    last_sign_ms: int
    """When the latest batch of a collector was accepted; 0: none yet."""
    rules_revision: int
    """Groups up to this revision have been told, and their windows filled, from this partition; -1: none yet."""


class Marker(msgspec.Struct, frozen=True, tag="marker", tag_field="kind"):
    """The progress of the samples partitions that one router owns: what moves time."""

    of: int
    """How many partitions `pantau.samples` has."""
    progress: list[Progress]


Input = RuleChange | GroupSamples | Marker


def decode(payload: bytes) -> Input:
    """The input in `payload`. BadMessage with the reason if it is none."""
    try:
        message = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"not an input of a rule group: {error}") from error
    if isinstance(message, GroupSamples):
        _check(message)
    return message


def _check(message: GroupSamples) -> None:
    if len(message.times) % 8 or len(message.values) != len(message.times):
        raise BadMessage("columns times and values are not of one length")
    if len(message.index) * 2 != len(message.times):
        raise BadMessage("columns index and times are not of one length")
    index = np.frombuffer(message.index, "<u4")
    if len(index) and int(index.max()) >= len(message.series):
        raise BadMessage(f"index {int(index.max())} is beyond the {len(message.series)} series")


def dump(message: Input) -> bytes:
    """The MessagePack bytes of an input."""
    return _encoder.encode(message)


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Input] = msgspec.msgpack.Decoder(Input)
