"""What is known of jobs, and how apis learn it from one another."""

from services.api.core.heartbeats import Board, Job
from shared.messages.samples import Sample, SampleBatch
from shared.messages.series import NAME, labels_of

NOW = 1_790_000_000_000
JOBS = (Job("invoices", 3600, 300), Job("backup", 86_400, 600, longest_run=7200))


def told(board: Board, name: str, now_ms: int = NOW) -> dict[str, float]:
    found = {}
    for sample in board.samples(now_ms):
        labels = labels_of(sample.series)
        if labels["heartbeat"] == name:
            assert labels["instance"] == "api-1"
            found[labels[NAME].removeprefix("heartbeat_") + labels.get("kind", "")] = sample.value
    return found


def batch(board: Board, now_ms: int, source: str = "api/b") -> SampleBatch:
    return SampleBatch.of(source, board.samples(now_ms))


def test_what_is_told_of_a_job() -> None:
    board = Board(JOBS, "api-1")
    counters = {"reports_totalstart": 0, "reports_totalsuccess": 0, "reports_totalfail": 0}
    assert told(board, "invoices") == counters | {"interval_seconds": 3600, "grace_seconds": 300}
    board.watch(NOW)
    board.report("invoices", "start", NOW + 1_000)
    board.report("invoices", "success", NOW + 13_500)
    board.report("invoices", "fail", NOW + 20_000, 2.25)
    seconds = NOW / 1000
    assert told(board, "invoices") == {
        "interval_seconds": 3600,
        "grace_seconds": 300,
        "watched_since_timestamp_seconds": seconds,
        "last_start_timestamp_seconds": seconds + 1,
        "last_success_timestamp_seconds": seconds + 13.5,
        "last_failure_timestamp_seconds": seconds + 20,
        "duration_seconds": 2.25,
        "reports_totalstart": 1,
        "reports_totalsuccess": 1,
        "reports_totalfail": 1,
    }
    assert told(board, "backup")["longest_run_seconds"] == 7200


def test_a_duration_is_since_the_start_of_the_same_run() -> None:
    board = Board(JOBS, "api-1")
    board.report("backup", "success", NOW)
    assert "duration_seconds" not in told(board, "backup")
    board.report("backup", "start", NOW + 1_000)
    board.report("backup", "success", NOW + 5_000)
    board.report("backup", "success", NOW + 90_000)
    assert told(board, "backup")["duration_seconds"] == 4, "the last one did not say when it started"


def test_late_is_after_interval_and_grace_since_the_last_success_or_since_it_is_watched() -> None:
    board = Board(JOBS, "api-1")
    known, job = board.known["invoices"], JOBS[0]
    assert not known.late(job, NOW + 10**10), "nobody waits yet"
    board.watch(NOW)
    assert (known.late(job, NOW + 3_900_000), known.late(job, NOW + 3_900_001)) == (False, True)
    board.report("invoices", "success", NOW + 3_900_001)
    assert not known.late(job, NOW + 3_900_002)
    assert known.late(job, NOW + 7_800_002)


def test_an_api_learns_from_others_and_from_its_own_past() -> None:
    one, other = Board(JOBS, "api-1"), Board(JOBS, "b")
    one.watch(NOW)
    one.report("invoices", "start", NOW + 1)
    one.report("invoices", "success", NOW + 2_000, 1.5)
    other.learn(batch(one, NOW + 2_001))
    other.watch(NOW + 9_000)
    known = other.known["invoices"]
    assert (known.success_ms, known.start_ms, known.since_ms, known.duration) == (NOW + 2_000, NOW + 1, NOW, 1.5)
    other.report("invoices", "success", NOW + 10_000, 2.5)
    other.learn(batch(one, NOW + 11_000))
    assert known.success_ms == NOW + 10_000, "the newest counts"
    one.learn(batch(other, NOW + 12_000))
    assert (one.known["invoices"].success_ms, one.known["invoices"].reports["success"]) == (NOW + 10_000, 1)


def test_only_apis_are_believed_and_only_about_jobs_that_there_are() -> None:
    source, board = Board((*JOBS, Job("gone", 60, 60)), "b"), Board(JOBS, "api-1")
    source.report("invoices", "success", NOW)
    source.report("gone", "success", NOW)
    board.learn(batch(source, NOW, "push/3"))
    assert board.known["invoices"].success_ms is None
    board.learn(SampleBatch.of("api/b", [Sample('heartbeat_last_success_timestamp_seconds{heartbeat="x"}', NOW, 1)]))
    nan = [Sample('heartbeat_last_success_timestamp_seconds{heartbeat="invoices"}', NOW, float("nan"))]
    board.learn(SampleBatch.of("api/b", nan))
    board.learn(batch(source, NOW))
    assert board.known["invoices"].success_ms == NOW
    assert "gone" not in board.known
