"""What the api's answers mean for what was pushed."""

import json
from typing import Any

import pytest
from pantau.verdicts import Again, Halved, Refused, Taken, Without, backoff_seconds, verdict


def judged(status: int, body: Any = None, count: int = 10, failures: int = 0, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return verdict(status, named, b"" if body is None else json.dumps(body).encode(), count, failures)


def test_202_is_taken() -> None:
    assert judged(202, {"accepted": 10}) == Taken()


@pytest.mark.parametrize("status", [401, 403, 301, 308])
def test_what_an_operator_must_mend_is_kept(status: int) -> None:
    assert isinstance(judged(status), Again)


def test_the_api_says_when_to_come_back_within_reason() -> None:
    assert judged(503, retry_after="5").seconds == 5
    assert judged(429, retry_after="99999").seconds == 60
    assert judged(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT").seconds is None


def test_what_the_api_fails_at_again_and_again_is_given_up() -> None:
    assert judged(500, failures=3).blamed
    assert isinstance(judged(500, failures=4), Refused)
    assert not judged(503, failures=100).blamed


def problem(*places: str) -> dict[str, Any]:
    return {"detail": "no", "errors": [{"where": place, "reason": "bad label"} for place in places]}


def test_only_what_is_refused_is_left_out() -> None:
    found = judged(422, problem("body[3].labels", "body[0]", "body[3].value"))
    assert found == Without(frozenset({0, 3}), "body[3].labels: bad label")
    assert judged(422, problem("body.requests[2].timestamp")).places == {2}


@pytest.mark.parametrize(
    "body", [None, [], "text", {"errors": 3}, {"errors": [3]}, problem("body.source"), problem("body[10]")]
)
def test_a_refusal_without_a_place_of_ours_is_one_of_all(body: Any) -> None:
    assert isinstance(judged(422, body), Refused)


def test_what_is_too_long_is_sent_in_parts() -> None:
    assert judged(413) == Halved()
    assert isinstance(judged(413, count=1), Refused)


@pytest.mark.parametrize("status", [400, 404, 405, 415])
def test_what_will_never_be_taken_is_given_up(status: int) -> None:
    assert isinstance(judged(status), Refused)


def test_waits_grow_and_are_spread_but_end() -> None:
    assert [backoff_seconds(attempt, 1.0) for attempt in (1, 2, 3, 7, 500)] == [1, 2, 4, 60, 60]
    assert backoff_seconds(500, 0.0) == 30
