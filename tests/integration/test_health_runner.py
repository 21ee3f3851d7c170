"""What the runner makes of findings: damping, dependencies, and runs that somebody asks for."""

import asyncio

import pytest

from services.health import runner as runner_module
from services.health.board import Board
from services.health.check import Finding
from services.health.core.damping import Damping
from services.health.plan import Terms
from services.health.requests import REQUESTS, Requests
from services.health.runner import MOST_ASKING, Runner
from services.health.worst import WorstOf
from shared import clock
from shared.bus import Producer, Received
from shared.messages.health import HealthRequest, HealthResult, Status
from shared.messages.topics import HEALTH_REQUESTS
from tests.conftest import eventually


class Given:
    """A check that finds what it is given."""

    kind = "given"
    secrets: frozenset[str] = frozenset()
    deadline_seconds = 30.0

    def __init__(self, name: str, *findings: Status, interval: float = 3_600.0) -> None:
        self.name, self.interval_seconds = name, interval
        self.findings = list(findings)
        self.runs = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self) -> Finding:
        self.runs += 1
        await self.gate.wait()
        return Finding(self.findings.pop(0) if self.findings else "healthy", {})


def ignored(_: HealthResult) -> None:
    """For results that are looked at otherwise."""


async def test_a_failure_is_told_when_it_has_lasted_and_seen_before() -> None:
    runner = Runner(
        Given("g", "healthy", "unhealthy", "unhealthy", "healthy"), ignored, Terms(Damping(failures=2, successes=2))
    )
    results = [await runner.run_once() for _ in range(4)]
    assert [one.status for one in results] == ["healthy", "healthy", "unhealthy", "unhealthy"]
    assert [one.found for one in results] == [None, "unhealthy", None, "healthy"]
    assert [one.details.get("found") for one in results] == [None, "unhealthy", None, "healthy"]
    assert (results[-1].status_changes, results[-1].found_changes) == (1, 2)


async def test_a_bad_first_finding_is_confirmed_before_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "CONFIRM_SECONDS", 0.0)
    cases: list[tuple[list[Status], Status, int]] = [
        (["unhealthy", "healthy"], "healthy", 2),
        (["unhealthy", "unhealthy", "degraded"], "degraded", 3),
        (["unhealthy"] * 4, "unhealthy", 3),
        (["healthy", "unhealthy"], "healthy", 1),
    ]
    for findings, told, runs in cases:
        check = Given("g", *findings)
        result = await Runner(check, ignored, Terms(Damping(failures=3))).run_once()
        assert (result.status, check.runs) == (told, runs)


async def test_a_child_says_that_what_it_depends_on_is_unhealthy() -> None:
    board = Board()
    core = Runner(Given("core", "unhealthy", "healthy"), ignored, board=board)
    edge = Runner(
        Given("edge", "degraded", "healthy"), ignored, Terms(depends_on=("core",), ancestors=("core",)), board
    )
    site = Runner(
        Given("site", "unhealthy", "healthy"), ignored, Terms(depends_on=("edge",), ancestors=("edge", "core")), board
    )
    assert (await site.run_once()).unhealthy_parents == [], "nothing is known of them yet"
    for runner in (core, edge):
        await runner.run_once()
    found = await site.run_once()
    assert found.depends_on == ["edge"]
    assert found.unhealthy_parents == found.details["unhealthy_parents"] == ["core"]
    await core.run_once()
    assert (await site.run_once()).unhealthy_parents == []


async def test_a_parent_that_was_not_heard_of_for_long_explains_nothing() -> None:
    board = Board()
    await Runner(Given("core", "unhealthy"), ignored, board=board).run_once()
    latest = board.latest("core")
    assert latest is not None
    assert board.unhealthy(["core", "unknown"], latest.valid_until - 1) == ["core"]
    assert board.unhealthy(["core", "unknown"], latest.valid_until) == []


async def test_the_sum_follows_what_is_told_not_what_is_found() -> None:
    board = Board()
    members = [Given("given:a", "healthy", "unhealthy"), Given("given:b", "healthy")]
    runners = [Runner(one, ignored, Terms(Damping(failures=2)), board) for one in members]
    worst = Runner(WorstOf("given", members, board), ignored, board=board)
    first = asyncio.create_task(worst.run_once())
    for runner in (*runners, runners[0]):
        await runner.run_once()
    assert (await first).status == "healthy"
    assert (await worst.run_once()).status == "healthy"
    members[0].findings = ["unhealthy"]
    await runners[0].run_once()
    found = await worst.run_once()
    assert found.status == "unhealthy"
    assert found.details == {"targets": 2, "degraded": 0, "unhealthy": 1, "not_healthy": ["a"]}


async def test_the_sum_does_not_wait_for_one_that_never_ends() -> None:
    board = Board()
    members = [Given("given:a", interval=0.1), Given("given:b", interval=0.1)]
    await Runner(members[0], ignored, board=board).run_once()
    found = await Runner(WorstOf("given", members, board), ignored).run_once()
    assert found.status == "healthy"
    assert found.details["not_run_yet"] == 1


async def test_a_run_that_is_asked_for_names_all_who_asked_before_it_and_waits_for_the_one_under_way() -> None:
    check = Given("g")
    results: list[HealthResult] = []
    runner = Runner(check, results.append)
    check.gate.clear()
    task = asyncio.create_task(runner.run())

    async def begun() -> bool:
        return check.runs == 1

    async def both() -> bool:
        return len(results) == 2

    try:
        await eventually(begun)
        assert [runner.ask(f"r-{number}") for number in range(MOST_ASKING + 1)] == [True] * MOST_ASKING + [False]
        check.gate.set()
        await eventually(both)
    finally:
        task.cancel()
    assert results[0].request_ids == []
    assert results[1].request_ids == [f"r-{number}" for number in range(MOST_ASKING)]
    assert check.runs == 2, "one run answers them all, and the grid is an hour away"


def request(check: str, expires_at: int) -> Received:
    message = HealthRequest(
        id=f"id-{check}", check=check, requested_at=clock.now_ms(), expires_at=expires_at, requested_by="sri"
    )
    return Received(HEALTH_REQUESTS, 0, 0, clock.now_ms(), check, message, {})


def counted(outcome: str) -> float:
    return float(REQUESTS.labels(outcome)._value.get())


async def test_requests_are_handed_to_the_check_that_they_name_in_time() -> None:
    asked: list[str] = []

    def ask(request_id: str) -> bool:
        asked.append(request_id)
        return len(asked) < 2

    requests = Requests("127.0.0.1:1", Producer("127.0.0.1:1", "health"), {"kafka": ask})
    soon = clock.now_ms() + 60_000
    before = {outcome: counted(outcome) for outcome in ("taken", "too_many", "expired", "unknown")}
    for one in (
        request("kafka", soon),
        request("kafka", soon),
        request("kafka", clock.now_ms() - 1),
        request("elsewhere", soon),
    ):
        requests.take(one)
    assert asked == ["id-kafka", "id-kafka"]
    assert {outcome: counted(outcome) - count for outcome, count in before.items()} == dict.fromkeys(before, 1.0)


async def test_so_many_of_a_kind_run_side_by_side_and_the_others_wait_in_peace() -> None:
    places = asyncio.Semaphore(2)
    checks = [Given(f"given:{number}") for number in range(5)]
    results: list[HealthResult] = []
    for check in checks:
        check.deadline_seconds = 30.0
        check.gate.clear()
    tasks = [asyncio.create_task(Runner(check, results.append, places=places).run()) for check in checks]

    async def told(count: int) -> bool:
        return len(results) == count

    async def begun(count: int) -> bool:
        return sum(check.runs for check in checks) == count

    try:
        await eventually(lambda: begun(2))
        for already in range(1, 6):
            next(check for check in checks if check.runs and not check.gate.is_set()).gate.set()
            await eventually(lambda already=already: told(already))  # type: ignore[misc]
            await eventually(lambda already=already: begun(min(5, already + 2)))  # type: ignore[misc]
    finally:
        for task in tasks:
            task.cancel()
    assert {one.status for one in results} == {"healthy"}
