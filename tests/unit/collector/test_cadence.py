from services.collector.core.cadence import Cadence
from shared.messages.samples import Sample

START = 1_790_000_000_000
SIZE = [Sample("size", START, 7.0)]


def test_it_is_due_at_first_and_then_after_its_interval() -> None:
    cadence = Cadence(300)
    assert cadence.due(START)
    cadence.read(START, SIZE)
    assert not cadence.due(START + 299_999)
    assert cadence.due(START + 300_000)


def test_an_instant_that_comes_a_little_early_counts_and_the_one_before_does_not() -> None:
    cadence = Cadence(300)
    cadence.read(START, SIZE)
    assert cadence.due(START + 299_000, tick_seconds=30)
    assert not cadence.due(START + 270_000, tick_seconds=30)


def test_what_was_said_is_told_again_with_the_time_of_the_telling() -> None:
    cadence = Cadence(300)
    cadence.read(START, SIZE)
    assert cadence.again(START + 60_000) == [Sample("size", START + 60_000, 7.0)]


def test_what_could_not_be_read_says_nothing_until_it_is_due() -> None:
    cadence = Cadence(300)
    cadence.read(START, SIZE)
    cadence.read(START + 300_000, ())
    assert cadence.again(START + 330_000) == []
    assert not cadence.due(START + 330_000)
    cadence.forget()
    assert cadence.due(START + 330_000)


def test_a_clock_that_was_set_back_makes_nobody_wait_for_it() -> None:
    cadence = Cadence(300)
    cadence.read(START, SIZE)
    assert cadence.due(START - 86_400_000)
