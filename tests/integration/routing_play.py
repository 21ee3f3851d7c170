"""All routing cases played at once to a system that tells webhooks, and what each webhook was told."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from shared import clock
from tests.cases.routing import Case, CaseSilence, Event, Told
from tests.cases.routing.together import told_alone
from tests.conftest import eventually
from tests.integration.recording_webhooks import Recorder

# Longer than the cases' group interval: what is told too much comes within it.
SETTLE_SECONDS = 2.5
MOST_SECONDS = 30.0

# Notifications that are expected so far apart come in this order.
APART_MS = 1_000

Lanes = dict[tuple[str, int, str], list[Told]]


class Player(Protocol):
    """The system, as the cases reach it."""

    async def silence(self, case: Case, silence: CaseSilence, start_ms: int) -> None:
        """Silence alerts of the case from `start_ms` on."""

    async def take(self, events: Sequence[tuple[Case, Event]], start_ms: int) -> None:
        """Let alerts begin and end, now."""


async def play(cases: Sequence[Case], player: Player, recorder: Recorder) -> None:
    """Until all that is expected has been told, and some more; those that don't come are missed by who looks."""
    start_ms = clock.now_ms()
    for case in cases:
        for silence in case.silences:
            await player.silence(case, silence, start_ms)
    start_ms = clock.now_ms()
    instants = sorted({event.at_ms for case in cases for event in case.events})
    for instant in instants:
        await asyncio.sleep(max(0.0, (start_ms + instant - clock.now_ms()) / 1000))
        await player.take([(case, one) for case in cases for one in case.events if one.at_ms == instant], start_ms)

    async def all_came() -> bool:
        return all(_has_all(case, recorder) for case in cases)

    last = max(case.ends_ms for case in cases)
    await asyncio.sleep(max(0.0, (start_ms + last - clock.now_ms()) / 1000))
    with suppress(AssertionError):  # each case says by itself what it misses
        await eventually(all_came, MOST_SECONDS)
    await asyncio.sleep(SETTLE_SECONDS)


def told(case: Case, recorder: Recorder) -> Lanes:
    """What each webhook of the case was told about each group, in order; where it goes on for ever, as far as is
    expected."""
    lanes: Lanes = defaultdict(list)
    for path, body in recorder.requests:
        name, receiver, number = path.split("/")
        if name == case.name:
            one = told_alone(case, receiver, int(number), body)
            lanes[one.lane].append(one)
    wanted = expected(case)
    return {lane: found[: len(wanted.get(lane, found))] if case.repeats else found for lane, found in lanes.items()}


def expected(case: Case) -> Lanes:
    """What is expected, likewise."""
    return lanes_of(one for _, one in sorted(case.expected, key=lambda pair: pair[0]))


def lanes_of(told: Iterable[Told]) -> Lanes:
    """By webhook and group."""
    lanes: Lanes = defaultdict(list)
    for one in told:
        lanes[one.lane].append(one)
    return dict(lanes)


def out_of_order(case: Case, recorder: Recorder) -> list[Told]:
    """Of what is expected, what came before something that is expected a second or more earlier."""
    places: dict[Told, deque[int]] = defaultdict(deque)
    for place, (path, body) in enumerate(recorder.requests):
        name, receiver, number = path.split("/")
        if name == case.name:
            places[told_alone(case, receiver, int(number), body)].append(place)
    came = [(at, places[one].popleft(), one) for at, one in sorted(case.expected, key=lambda pair: pair[0])]
    return [
        one for at, place, one in came if any(place < other for before, other, _ in came if at - before >= APART_MS)
    ]


def _has_all(case: Case, recorder: Recorder) -> bool:
    found = told(case, recorder)
    return all(len(found.get(lane, ())) >= len(wanted) for lane, wanted in expected(case).items())
