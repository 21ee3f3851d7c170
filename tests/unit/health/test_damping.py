"""How often something must be found before it is told."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.health.core.damping import Damped, Damping, damped
from shared.messages.health import STATUSES, Status

LETTERS: dict[str, Status] = {"h": "healthy", "d": "degraded", "u": "unhealthy"}


def told(findings: str, damping: Damping) -> str:
    """What is told after each finding, by the statuses' first letters."""
    state: Damped | None = None
    said = ""
    for letter in findings:
        state = damped(state, LETTERS[letter], damping)
        said += state.status[0]
    return said


@pytest.mark.parametrize(
    ("failures", "successes", "findings", "expected"),
    [
        (1, 1, "huhduh", "huhduh"),
        (3, 1, "huuhuuuh", "hhhhhhuh"),
        (1, 3, "uhhuhhh", "uuuuuuh"),
        (2, 2, "hududu", "hhdddd"),
        (2, 2, "hdudhuh", "hhddddd"),
        (3, 3, "hdddduuu", "hhhdddd" + "u"),
        (2, 1, "uhuu", "uhhu"),
        (1, 3, "hhhu", "hhhu"),
        (3, 1, "uuuh", "uuuh"),
    ],
)
def test_a_change_is_told_when_it_has_lasted(failures: int, successes: int, findings: str, expected: str) -> None:
    assert told(findings, Damping(failures, successes)) == expected


def test_the_first_finding_is_believed() -> None:
    assert told("u", Damping(5, 5)) == "u"


def test_changes_are_counted_before_and_after_damping() -> None:
    state: Damped | None = None
    for letter in "huhuhuu":
        state = damped(state, LETTERS[letter], Damping(failures=2))
    assert state is not None
    assert (state.status, state.status_changes, state.found_changes) == ("unhealthy", 1, 5)


FINDINGS = st.lists(st.sampled_from(STATUSES), min_size=1, max_size=40)
RUNS = st.integers(1, 6)


@given(FINDINGS, RUNS, RUNS)
def test_what_has_lasted_long_enough_is_told_and_nothing_is_told_that_was_not_found(
    findings: list[Status], failures: int, successes: int
) -> None:
    state: Damped | None = None
    states = [state := damped(state, found, Damping(failures, successes)) for found in findings]
    for number, one in enumerate(states):
        assert one.status in findings[: number + 1]
        recent = findings[max(0, number + 1 - max(failures, successes)) : number + 1]
        if len(recent) == max(failures, successes) and len(set(recent)) == 1:
            assert one.status == recent[0]
    changes = sum(before.status != after.status for before, after in pairwise(states))
    assert states[-1].status_changes == changes
    assert states[-1].status_changes <= states[-1].found_changes
