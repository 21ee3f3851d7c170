"""Which transitions must exist, from the samples alone: an oracle beside the router and the fold.

It knows rules of one form, `metric > threshold`, one series an alert. What it holds to be true does not depend on
anything that alerting writes but its events:

- evaluated on arrival: each time the samples of a series, in their order, cross the threshold, there is a transition;
- on a grid: at each instant the newest sample decides. One that was accepted after the instant that its time belongs
  to may have been seen there or not, so that such an instant may go both ways; nothing else may.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.messages.alerts import AlertEvent
from shared.messages.samples import SampleBatch

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
CLOCKS_MS = 1_000


@dataclass(frozen=True)
class Taken:
    """A sample batch as it is on the bus."""

    accepted_ms: int
    batch: SampleBatch


@dataclass(frozen=True)
class Series:
    """The samples of one series in the order of their times, of those at one time the first."""

    times: Ints
    accepted: Ints
    above: Flags


@dataclass(frozen=True)
class Episode:
    """One episode of an alert, as told: instants at which it began, fired (None: never) and ended."""

    began_ms: int
    fired_ms: int | None
    ended_ms: int


def series_in(taken: Iterable[Taken], threshold: float, wanted: Iterable[str]) -> dict[str, Series]:
    """The samples of each wanted series; `taken` in the order of the log of each partition."""
    found: dict[str, dict[int, tuple[int, bool]]] = {key: {} for key in wanted}
    for one in taken:
        index, times, values = one.batch.columns()
        for at, time, value in zip(index.tolist(), times.tolist(), values.tolist(), strict=True):
            samples = found.get(one.batch.series[at])
            if samples is not None:
                samples.setdefault(time, (one.accepted_ms, value > threshold))
    return {
        key: Series(
            np.array(sorted(samples), np.int64),
            np.array([samples[time][0] for time in sorted(samples)], np.int64),
            np.array([samples[time][1] for time in sorted(samples)], np.bool_),
        )
        for key, samples in found.items()
    }


def faults_on_arrival(series: Series, events: Sequence[AlertEvent]) -> Iterator[str]:
    """What is wrong with the events, in their order, of an alert that is evaluated on arrival."""
    before = np.concatenate([[False], series.above[:-1]])
    crossings = np.flatnonzero(series.above != before)
    states = ["firing" if series.above[at] else "resolved" for at in crossings]
    if states != [event.state for event in events]:
        yield f"the samples make {states}, told was {[event.state for event in events]}"
        return
    for at, event in zip(crossings.tolist(), events, strict=True):
        time, accepted = int(series.times[at]), int(series.accepted[at])
        if not time <= event.instant <= max(time, accepted) + CLOCKS_MS:
            yield f"a sample of {time}, accepted at {accepted}, decided at {event.instant}"


def faults_on_grid(
    series: Series, events: Sequence[AlertEvent], instants: Ints, for_ms: int, offset_ms: int = 0
) -> Iterator[str]:
    """What is wrong with the events of an alert that is evaluated at `instants`. With `offset_ms` it is evaluated on
    what was true that much before."""
    may_hold, may_not_hold = _permitted(series, instants, offset_ms)
    holds = np.zeros(len(instants), np.bool_)
    for episode in episodes(events):
        inside = (instants >= episode.began_ms) & (instants < episode.ended_ms)
        holds |= inside
        on_grid = np.isin([episode.began_ms, episode.ended_ms], instants)
        if not on_grid.all():
            yield f"{episode} begins or ends at no instant of the grid"
        ripe = instants[inside & (instants >= episode.began_ms + for_ms)]
        should_fire = int(ripe[0]) if len(ripe) else None
        if episode.fired_ms != should_fire:
            yield f"{episode} should have fired at {should_fire}"
    for instant in instants[holds & ~may_hold].tolist():
        yield f"active at {instant}, though the condition did not hold"
    for instant in instants[~holds & ~may_not_hold].tolist():
        yield f"not active at {instant}, though the condition held"


def episodes(events: Sequence[AlertEvent]) -> list[Episode]:
    """The episodes in the events, in their order, of one alert. AssertionError where they don't follow each other."""
    found: list[Episode] = []
    began = fired = None
    last = ("inactive", 0)
    for event in events:
        assert event.previous_state == last[0] or (last[0] == "resolved" and event.previous_state == "inactive"), event
        assert event.instant > last[1], f"{event.state} at {event.instant} is not after {last}"
        if began is None:
            assert event.state in ("pending", "firing"), event
            began = event.episode
        assert event.episode == began, f"episode {event.episode} within episode {began}"
        if event.state == "firing":
            fired = event.instant
        if event.state in ("resolved", "inactive"):
            found.append(Episode(began, fired, event.instant))
            began = fired = None
        last = (event.state, event.instant)
    if began is not None:
        found.append(Episode(began, fired, 2**62))
    return found


def _permitted(series: Series, instants: Ints, offset_ms: int) -> tuple[Flags, Flags]:
    """For each instant whether the condition may hold there, and whether it may not."""
    # What was accepted up to the instant is seen for certain; what came later, but belongs there, may be.
    newest = np.searchsorted(series.times, instants - offset_ms, "right")
    accepted = np.maximum.accumulate(series.accepted) if len(series.accepted) else series.accepted
    certain = np.minimum(np.searchsorted(accepted, instants, "right"), newest)
    above = np.concatenate([[False], series.above])  # before the first sample nothing holds
    ups = np.concatenate([[0], np.cumsum(above)])
    some_up = ups[newest + 1] - ups[certain]
    return some_up > 0, some_up < newest + 1 - certain
