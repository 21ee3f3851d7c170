"""A commit that never gets an answer must not stop a worker for ever, and an outage of the bus must not end it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver

from services.alerting import stream


def consumer(commit: Any, bus_answers: list[bool], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A consumer whose commit is this, while the bus answers so when it is asked."""

    async def answers() -> bool:
        return bus_answers.pop(0)

    monkeypatch.setattr(stream, "COMMIT_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(driver.Consumer, "_commit", commit)
    made: Any = object.__new__(stream._Consumer)
    made.transport = SimpleNamespace(bus_answers=answers)
    return made


async def test_without_an_answer_while_the_bus_answers_the_stream_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[asyncio.Task[Any] | None] = []

    async def commit(self: Any, offsets: Any) -> bool:
        waiting.append(asyncio.current_task())
        await asyncio.Event().wait()
        return True

    with pytest.raises(stream.StreamFailed, match="no answer to a commit"):
        await consumer(commit, [False, False, True], monkeypatch)._commit({})
    await asyncio.sleep(0)
    assert waiting[0] is not None
    assert waiting[0].cancelled()


async def test_while_the_bus_is_away_the_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    came_back = asyncio.Event()
    asked = [False] * 10_000

    async def commit(self: Any, offsets: Any) -> bool:
        await came_back.wait()
        return True

    committing = asyncio.create_task(consumer(commit, asked, monkeypatch)._commit({}))
    async with asyncio.timeout(30):
        while len(asked) > 9_995:  # noqa: ASYNC110  (it was asked several times)
            await asyncio.sleep(0.01)
    came_back.set()
    assert await committing is True
