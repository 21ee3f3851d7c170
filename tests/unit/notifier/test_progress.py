import pytest

from services.notifier.core.progress import Progress


def test_only_what_is_settled_throughout_may_be_committed() -> None:
    progress = Progress(10)
    progress.read(10, 2)
    progress.read(11, 0)  # nobody is told of it
    progress.read(12, 1)
    assert progress.committable == 10
    progress.settle(12)
    progress.settle(10)
    assert progress.committable == 10
    progress.settle(10)
    assert progress.committable == 13
    assert progress.next_offset == 13
    assert len(progress) == 0


def test_a_message_put_aside_is_passed() -> None:
    progress = Progress(None)
    assert progress.committable is None
    progress.read_to(5)  # dead letters only
    assert progress.committable == 5
    assert progress.has_read(4)
    assert not progress.has_read(5)


def test_settling_what_is_not_open_is_a_fault() -> None:
    progress = Progress(0)
    progress.read(0, 1)
    progress.settle(0)
    with pytest.raises(KeyError):
        progress.settle(0)
