"""What is sent is compressed quickly, and is what any reader of lz4 understands."""

import sys

import pytest
from aiokafka.codec import lz4_encode
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from shared.bus import connection

PAYLOAD = b"".join(b'app_metric_%d_total{instance="host-%d"}' % (number % 100, number // 7) for number in range(3_000))


def batch() -> bytes:
    """A batch with the payload, as a producer sends it."""
    builder = DefaultRecordBatchBuilder(2, DefaultRecordBatch.CODEC_LZ4, False, -1, -1, -1, 1_000_000)
    builder.append(0, timestamp=1, key=b"k", value=PAYLOAD, headers=[])
    return bytes(builder.build())


def test_batches_are_compressed_at_the_quick_level(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = batch()
    assert [record.value for record in DefaultRecordBatch(bytearray(sent))] == [PAYLOAD]
    assert len(sent) < len(PAYLOAD) / 2
    monkeypatch.setattr(sys.modules[DefaultRecordBatchBuilder.__module__], "lz4_encode", lz4_encode)
    assert len(batch()) < len(sent), "aiokafka's own level is a higher one"


def test_the_quick_level_is_lower_than_that_of_aiokafka() -> None:
    assert len(lz4_encode(PAYLOAD, level=connection.QUICK_LEVEL)) > len(lz4_encode(PAYLOAD))
