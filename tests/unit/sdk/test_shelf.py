"""What threads leave for the background thread."""

import threading

from pantau.shelf import Shelf


def test_the_oldest_are_given_up_and_counted() -> None:
    shelf: Shelf[int] = Shelf(3, 100, lambda: None)
    for number in range(5):
        shelf.put(number)
    items, lost = shelf.clear()
    assert (list(items), lost) == ([2, 3, 4], 2)
    assert shelf.clear()[1] == 0


def test_it_calls_once_there_is_much() -> None:
    calls: list[int] = []
    shelf: Shelf[int] = Shelf(10, 2, lambda: calls.append(1))
    for number in range(5):
        shelf.put(number)
    assert len(calls) == 1
    shelf.clear()
    shelf.put(1)
    shelf.put(2)
    assert len(calls) == 2


def test_nothing_is_lost_between_threads() -> None:
    shelf: Shelf[int] = Shelf(1_000_000, 10, lambda: None)

    def leave() -> None:
        for number in range(5_000):
            shelf.put(number)

    threads = [threading.Thread(target=leave) for _ in range(4)]
    found = 0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found += len(shelf.clear()[0])
    assert found + len(shelf.clear()[0]) == 20_000
