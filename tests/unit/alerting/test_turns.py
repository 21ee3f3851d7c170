"""Long work in pieces: others run between them, and nobody waits for ever."""

import asyncio
import time

import pytest

from services.alerting.turns import PIECE_SECONDS, TakingUp, Turns, in_thread
from shared.rules.steps import Steps


def busy(steps: int, done: list[str], name: str) -> Steps[str]:
    """Each step uses the processor for longer than a piece may."""
    for _ in range(steps):
        yield
        until = time.thread_time() + 2 * PIECE_SECONDS
        while time.thread_time() < until:
            pass
        done.append(name)
    return name


async def test_who_works_at_the_same_time_takes_turns() -> None:
    done: list[str] = []
    turns = Turns()
    found = await asyncio.gather(*(turns.take(busy(5, done, name), 0) for name in ("a", "b")))
    assert [one.result for one in found] == ["a", "b"]
    assert done.index("b") < 5 > done[::-1].index("a"), "neither waits for the other's end"
    assert all(5 * 2 * PIECE_SECONDS <= one.seconds >= one.longest_seconds >= 2 * PIECE_SECONDS for one in found)


@pytest.mark.parametrize("behind_seconds", [0.0, 1e6])
async def test_others_run_between_the_pieces_also_of_who_is_far_behind(behind_seconds: float) -> None:
    done: list[str] = []

    async def others() -> None:
        while len(done) < 10:
            done.append("other")
            await asyncio.sleep(0)

    await asyncio.gather(Turns().take(busy(4, done, "a"), behind_seconds), others())
    assert "other" in done[done.index("a") :]


async def test_a_step_that_fails_leaves_the_turn_to_others() -> None:
    def failing() -> Steps[str]:
        yield
        raise ValueError("no")

    turns = Turns()
    with pytest.raises(ValueError, match="no"):
        await turns.take(failing(), 0)
    async with asyncio.timeout(30):
        assert (await turns.take(busy(1, [], "after"), 0)).result == "after"


async def test_in_a_thread_and_before_others_the_same_comes_of_it() -> None:
    assert in_thread(busy(3, [], "a"), 0).result == "a"
    assert (await Turns().urgent(busy(3, [], "b"))).result == "b"


async def test_taking_up_is_over_when_the_last_has_done_it_or_failed() -> None:
    taking_up = TakingUp()
    await taking_up.over()
    with taking_up.one_more():
        waiting = asyncio.create_task(taking_up.over())
        with pytest.raises(ValueError, match="spoilt"), taking_up.one_more():
            raise ValueError("spoilt")
        await asyncio.sleep(0)
        assert not waiting.done()
    async with asyncio.timeout(30):
        await waiting
