"""A provider's samples over simulated time, the logs that the router would make of them, and what comes of them.

Everything follows from a seed. Samples are taken between the instants of every grid and accepted a moment later, so
that the log is the ordered data that a backtest sees, unless a test makes them late.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.alerting.core.fold import Fold
from services.alerting.core.inputs import Input, Marker, Progress, RuleChange
from services.alerting.core.routing import Routes, is_sign_of_life, selectors_of
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.rules import RuleGroup
from shared.messages.samples import Sample, SampleBatch
from shared.messages.series import labels_of
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource
from shared.rules.backtest import Backtest
from tests.cases.timeline import START_MS

SECOND = 1_000
MINUTE = 60 * SECOND
PARTITIONS = 2


@dataclass(frozen=True)
class Accepted:
    """A batch as the bus has it."""

    accepted_ms: int
    partition: int
    batch: SampleBatch

    @property
    def is_sign(self) -> bool:
        """Whether it shows that the world is being watched."""
        return is_sign_of_life(self.batch.source)


Reading = Callable[[random.Random, str, int], float | None]
"""The value that a series has at a second from the start; None: it is not there."""


def samples_of(
    sources: Mapping[str, Sequence[str]],
    reading: Reading,
    seconds: int,
    *,
    start_ms: int = START_MS,
    every: int = 15,
    seed: int = 1,
    dark: Sequence[tuple[int, int]] = (),
) -> list[Accepted]:
    """What the sources push, in the order of acceptance. None of them says anything in the `dark` stretches."""
    chance = random.Random(seed)
    found: list[Accepted] = []
    for number, (source, series) in enumerate(sources.items()):
        for second in range(2 + 3 * number % (every - 4), seconds, every):
            if any(start <= second < end for start, end in dark):
                continue
            taken = start_ms + second * SECOND + chance.randrange(0, 900)
            samples = [
                Sample(key, taken, value) for key in series if (value := reading(chance, key, second)) is not None
            ]
            accepted = taken + chance.randrange(2, 90)
            found.append(Accepted(accepted, number % PARTITIONS, SampleBatch.of(source, samples)))
    return sorted(found, key=lambda one: one.accepted_ms)


def log_of(groups: Sequence[RuleGroup], accepted: Sequence[Accepted], seconds: int) -> Iterator[Input]:
    """One log for all groups, as the router writes it: the rules, then samples, and each second how far it has come."""
    routes = Routes()
    for revision, group in enumerate(groups):
        routes.put(group.name, selectors_of(group))
        yield RuleChange(group.name, revision, START_MS, group.encode())
    signs, at = [0] * PARTITIONS, 0
    for second in range(seconds + 1):
        now = START_MS + second * SECOND
        while at < len(accepted) and accepted[at].accepted_ms <= now:
            one = accepted[at]
            if one.is_sign:
                signs[one.partition] = one.accepted_ms
            yield from routes.split(one.batch, one.partition, at, one.accepted_ms)
            at += 1
        yield Marker(PARTITIONS, [Progress(part, now, signs[part], len(groups)) for part in range(PARTITIONS)])


def events_of(
    log: Sequence[Input], terms: Terms, restarts: Sequence[int] = (), restarted: Callable[[Fold], Fold] | None = None
) -> list[AlertEvent]:
    """What the fold makes of the log. At these places of it the state goes through `restarted`."""
    fold, found = Fold(terms), list[AlertEvent]()
    for place, message in enumerate(log):
        if place in restarts and restarted is not None:
            fold = restarted(fold)
        for outputs in fold.apply(message):
            found += outputs.events
    return found


def history_of(accepted: Sequence[Accepted]) -> FixedSource:
    """The samples as history holds them."""
    columns: dict[str, dict[int, float]] = {}
    for one in accepted:
        for sample in one.batch.samples():
            columns.setdefault(sample.series, {}).setdefault(sample.time_ms, sample.value)
    return FixedSource(
        {
            labels_from(labels_of(key)): (
                np.array(sorted(values), np.int64),
                np.array([values[time] for time in sorted(values)]),
            )
            for key, values in columns.items()
        }
    )


def known_by(accepted: Sequence[Accepted], dark_after_ms: int) -> Callable[[int], bool]:
    """Of an instant, whether a collector gave a sign in the time before it."""
    signs = np.array([one.accepted_ms for one in accepted if one.is_sign], np.int64)

    def known(instant_ms: int) -> bool:
        return bool(((signs > instant_ms - dark_after_ms) & (signs <= instant_ms)).any())

    return known


Line = tuple[int, str, str, str, str, str, float]
"""A transition as both sides tell it: instant, group, rule, labels, state before, state, value."""


def told(events: Iterable[AlertEvent]) -> list[Line]:
    """What was told live."""
    return sorted(
        (one.instant, one.group, one.rule, str(sorted(one.labels.items())), one.previous_state, one.state, one.value)
        for one in events
    )


def decided(found: Backtest) -> list[Line]:
    """What a backtest found."""
    return sorted(
        (
            (alert := one.transition.alert).since_ms,
            one.group,
            one.rule.name,
            str(sorted(alert.labels.items())),
            one.transition.previous,
            one.transition.state,
            alert.value,
        )
        for one in found.decisions
    )
