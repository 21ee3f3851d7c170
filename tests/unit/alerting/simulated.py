"""A provider's samples over simulated time, the log that a router makes of them, and what live and backtest tell.

Everything follows from a seed. Samples are taken between the instants of every grid and accepted a moment later, so
that the log is the ordered data that a backtest sees, unless a test makes them late.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.alerting.core import snapshots
from services.alerting.core.fold import Fold, fold_one
from services.alerting.core.routing import is_sign_of_life
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.samples import STALE, Sample, SampleBatch
from shared.messages.series import labels_of
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource
from shared.rules.backtest import Backtest
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Log, Simulation
from tests.cases.timeline import START_MS

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR_SECONDS = 3_600
PARTITIONS = 2
# Instants are evaluated a little later, those of groups that read others' outputs after these are back.
AFTER_SECONDS = 10


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


def sources_of(hosts: int) -> dict[str, list[str]]:
    """Two collectors and two that push, with a gauge and a counter for each host."""
    return {
        f"{kind}/{number}": [
            f'{metric}{{host="h{host:02}",zone="z{host % 3}"}}'
            for host in range(number, hosts, 4)
            for metric in ("level", "served_total")
        ]
        for number, kind in enumerate(["collector", "push", "collector", "push"])
    }


def reading(chance: random.Random, key: str, second: int) -> float | None:
    """A wave for each host, with gaps shorter and longer than the lookback, staleness markers, resets and odd jumps."""
    host = int(key.split('"h')[1][:2])
    if (second // 400 + host) % 9 == 4:
        return STALE if second % 400 < 15 and host % 2 else None
    wave = ((second // 60 * (host % 7 + 1)) % 20 - 10) / 10
    if key.startswith("served"):
        return float((second * (host % 5 + 1) + round(300 * wave)) % 20_000)
    if chance.random() < 0.01:
        return chance.choice([float("nan"), 0.0, 100.0])
    return round(50 + 50 * wave + chance.choice([-5, 0, 0, 5]), 1)


def samples_of(
    sources: Mapping[str, Sequence[str]],
    reading: Reading,
    seconds: int,
    *,
    start_ms: int = START_MS,
    every: int = 15,
    seed: int = 1,
    dark: Sequence[tuple[int, int]] = (),
    longest_way_ms: int = 90,
) -> list[Accepted]:
    """What the sources push, in the order of acceptance, each batch up to `longest_way_ms` after it was taken and after
    those before it. Nobody says anything in the `dark` stretches."""
    chance = random.Random(seed)
    found: list[Accepted] = []
    for number, (source, series) in enumerate(sources.items()):
        accepted = 0
        for second in range(2 + 3 * number % (every - 4), seconds, every):
            if any(start <= second < end for start, end in dark):
                continue
            taken = start_ms + second * SECOND + chance.randrange(0, 900)
            samples = [
                Sample(key, taken, value) for key in series if (value := reading(chance, key, second)) is not None
            ]
            accepted = max(accepted + 1, taken + chance.randrange(2, longest_way_ms))
            found.append(Accepted(accepted, number % PARTITIONS, SampleBatch.of(source, samples)))
    return sorted(found, key=lambda one: one.accepted_ms)


def run(rules: str, accepted: Sequence[Accepted], seconds: int, terms: Terms, away: int = 0) -> Simulation:
    """All of it live: rules, samples as they are accepted, and each second how far that has come. Alerting was `away`
    for the first seconds, and takes up what was accepted then before what it makes of that."""
    live, at = Simulation(terms, START_MS, PARTITIONS), 0
    live.define(parse_rule_file(rules, "rules.yaml"))
    for second in range(seconds + AFTER_SECONDS):
        now = START_MS + second * SECOND
        while at < len(accepted) and accepted[at].accepted_ms <= now:
            live.now_ms = accepted[at].accepted_ms
            live.accept(accepted[at].batch, accepted[at].partition)
            at += 1
        live.now_ms = now
        live.mark(behind=second < away)
    return live


def restarted(log: Log, terms: Terms, places: Sequence[int]) -> list[AlertEvent]:
    """What a fold makes of a log, if at these places of it another one takes over from a snapshot."""
    fold, found = Fold(terms), list[AlertEvent]()
    kept: dict[str, bytes] = {}
    manifest: snapshots.Manifest | None = None
    for place, (message, at) in enumerate(log):
        if place in places:
            taken = snapshots.take(fold, place, manifest, str(place), kept.get)
            kept |= taken.chunks
            manifest = snapshots.decode_manifest(snapshots.encode_manifest(taken.manifest))
            fold = snapshots.restore(terms, manifest, kept)
        for outputs in fold_one(fold, message, at):
            found += outputs.events
    return found


def history_of(accepted: Iterable[Accepted]) -> FixedSource:
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


def known_by(accepted: Iterable[Accepted]) -> Callable[[int, int], bool]:
    """Of an instant, whether a collector gave a sign in the time before it."""
    signs = np.array([one.accepted_ms for one in accepted if one.is_sign], np.int64)

    def known(instant_ms: int, within_ms: int) -> bool:
        return bool(((signs > instant_ms - within_ms) & (signs <= instant_ms)).any())

    return known


Line = tuple[int, str, str, str, str, str, float]
"""A transition as both sides tell it: instant, group, rule, labels, state before, state, value."""


def told(events: Iterable[AlertEvent], until_ms: int) -> list[Line]:
    """What was told live of instants up to then."""
    return sorted(
        (one.instant, one.group, one.rule, str(sorted(one.labels.items())), one.previous_state, one.state, one.value)
        for one in events
        if one.instant <= until_ms
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


def apart(live: Iterable[Line], tried: Iterable[Line]) -> list[str]:
    """What only one of both has, in the order of instants."""
    first, second = set(live), set(tried)
    found = [(line, "only live") for line in first - second] + [(line, "only tried") for line in second - first]
    return [f"{(line[0] - START_MS) / SECOND:g} s {where}: {line[1:]}" for line, where in sorted(found)]
