"""The oracle of the fault tests finds what is lost, invented, early or late, and lets pass what nobody can know."""

from collections.abc import Sequence

import numpy as np
import pytest

from shared.messages.alerts import AlertEvent, State
from shared.messages.samples import Sample, SampleBatch
from tests.cases.timeline import START_MS
from tests.integration.alerting_oracle import Series, Taken, faults_on_arrival, faults_on_grid, series_in

GRID = np.arange(START_MS, START_MS + 20_000, 1_000, dtype=np.int64)


def series(*samples: tuple[float, float], delay_ms: int = 3) -> Series:
    """Samples of one series: second and value, accepted a moment later."""
    taken = [
        Taken(time + delay_ms, SampleBatch.of("s", [Sample("m", time, value)]))
        for second, value in samples
        for time in [START_MS + round(second * 1_000)]
    ]
    return series_in(taken, 100, ["m"])["m"]


def events(*told: tuple[float, State]) -> list[AlertEvent]:
    """Transitions of one alert: second and state."""
    found: list[AlertEvent] = []
    before: State = "inactive"
    episode = 0
    for second, state in told:
        instant = START_MS + round(second * 1_000)
        episode = instant if before == "inactive" else episode
        found.append(
            AlertEvent(
                id=f"{instant}",
                alert_id="a",
                fingerprint="f",
                group="g",
                rule="r",
                rule_version="v",
                episode=episode,
                transition=1,
                state=state,
                previous_state=before,
                instant=instant,
                labels={},
                severity="info",
                message="",
                value=0,
                expr="m > 100",
            )
        )
        before = "inactive" if state in ("resolved", "inactive") else state
    return found


UP_AND_DOWN = series((0.5, 50), (2.5, 150), (5.5, 150), (8.5, 50))


@pytest.mark.parametrize(
    ("told", "right"),
    [
        ([(2.5, "firing"), (8.5, "resolved")], True),
        ([(2.5, "firing")], False),
        ([], False),
        ([(2.5, "firing"), (8.5, "resolved"), (9.5, "firing")], False),
        ([(4.5, "firing"), (8.5, "resolved")], False),
        ([(2.4, "firing"), (8.5, "resolved")], False),
    ],
)
def test_on_arrival(told: Sequence[tuple[float, State]], right: bool) -> None:
    assert (list(faults_on_arrival(UP_AND_DOWN, events(*told))) == []) == right


@pytest.mark.parametrize(
    ("told", "for_ms", "right"),
    [
        ([(3, "firing"), (9, "resolved")], 0, True),
        ([(3, "firing"), (10, "resolved")], 0, False),
        ([(4, "firing"), (9, "resolved")], 0, False),
        ([(2, "firing"), (9, "resolved")], 0, False),
        ([(3.2, "firing"), (9, "resolved")], 0, False),
        ([(3, "firing")], 0, False),
        ([], 0, False),
        ([(3, "firing"), (9, "resolved"), (12, "firing"), (13, "resolved")], 0, False),
        ([(3, "pending"), (5, "firing"), (9, "resolved")], 2_000, True),
        ([(3, "pending"), (6, "firing"), (9, "resolved")], 2_000, False),
        ([(3, "pending"), (9, "inactive")], 2_000, False),
        ([(3, "pending"), (9, "inactive")], 6_000, True),
    ],
)
def test_on_a_grid(told: Sequence[tuple[float, State]], for_ms: int, right: bool) -> None:
    assert (list(faults_on_grid(UP_AND_DOWN, events(*told), GRID, for_ms)) == []) == right


@pytest.mark.parametrize("began", [3, 4, 5, 6, 7])
def test_a_sample_that_was_on_its_way_at_an_instant_may_have_been_seen_there_or_not(began: int) -> None:
    late = series((0.5, 50), (2.5, 150), (12.5, 50), delay_ms=3_000)
    right = list(faults_on_grid(late, events((began, "firing"), (13, "resolved")), GRID, 0)) == []
    assert right == (began in (3, 4, 5, 6)), "accepted at 5.5 s: at 6 s it is seen for certain"


def test_of_two_samples_at_one_time_the_first_counts() -> None:
    assert series((1, 150), (1, 50)).above.tolist() == [True]


def test_with_an_offset_what_was_true_before_decides() -> None:
    late = series((0.5, 50), (2.5, 150), (8.5, 50), delay_ms=1_500)
    told = events((5, "firing"), (11, "resolved"))
    assert list(faults_on_grid(late, told, GRID, 0, offset_ms=2_000)) == []
    assert list(faults_on_grid(late, events((4, "firing"), (11, "resolved")), GRID, 0, offset_ms=2_000))
