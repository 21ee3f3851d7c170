"""How the samples of many batches become few messages of the log."""

import numpy as np

from services.alerting.core.inputs import Samples, decode, raw_series
from services.alerting.sending import FULL_BYTES, to_log


def samples(offset: int, count: int = 1) -> Samples:
    return Samples(
        source="collector/a",
        series=raw_series(["x"]),
        index=np.zeros(count, "<u4").tobytes(),
        times=np.arange(count, dtype="<i8").tobytes(),
        values=np.zeros(count, "<f8").tobytes(),
        partition=3,
        offset=offset,
        accepted_ms=1,
    )


def test_each_partition_gets_what_is_for_it_in_order() -> None:
    sent = to_log([(1, samples(1)), (0, samples(2)), (1, samples(3)), (1, samples(4))])
    offsets = {
        message.partition: [one.offset for one in decode(message.message.encode()) if isinstance(one, Samples)]
        for message in sent
        if message.message is not None
    }
    assert offsets == {1: [1, 3, 4], 0: [2]}


def test_a_message_that_is_full_goes_before_the_next() -> None:
    large = FULL_BYTES // 20 // 3 + 1  # three of them don't fit
    sent = to_log((0, samples(offset, large)) for offset in range(5))
    found = [[one.offset for one in decode(message.message.encode())] for message in sent if message.message]  # type: ignore[union-attr]
    assert found == [[0, 1], [2, 3], [4]]
    assert len({message.event_id for message in sent}) == 3


def test_nothing_makes_no_message() -> None:
    assert to_log([]) == []
