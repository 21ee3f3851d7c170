"""Scenarios at a time that is moved on: what is read and checked, and what the default rules make of it."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infra.simulator.application.exposed import told
from infra.simulator.checking import Checker
from infra.simulator.passing import SteppedTime
from infra.simulator.playing import Play
from infra.simulator.provider import Provider
from infra.simulator.scenarios.scenario import Expected, Scenario
from infra.simulator.watching import Watcher
from infra.simulator.world import World
from shared import clock
from shared.messages.samples import Sample
from shared.messages.series import labels_of
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource
from shared.rules.backtest import Backtest, backtest
from shared.rules.files import parse_rule_file
from shared.rules.plan import plan_group
from tests.integration.routers import SOMETIME_MS

RULES = sorted(
    one for one in (Path(__file__).parents[2] / "infra" / "rules").glob("*.yaml") if ".test." not in one.name
)
STEP_SECONDS = 60
LONGEST_PAUSE_SECONDS = 2.0


class Patient:
    """Seconds for the SDK, of which no two looks are far apart: a machine that stood still is no slow application."""

    def __init__(self) -> None:
        self._passed, self._before = 0.0, clock.elapsed()

    def __call__(self) -> float:
        now = clock.elapsed()
        self._passed += min(now - self._before, LONGEST_PAUSE_SECONDS)
        self._before = now
        return self._passed


class Fired(NamedTuple):
    """An alert that fired."""

    rule: str
    labels: dict[str, str]
    resolved: bool
    """Whether it was over at the end."""


async def played(
    provider: Provider, scenario: Scenario, dsn: str | None, *, per_minute: float = 6.0
) -> tuple[tuple[Expected, ...], list[Sample]]:
    """What is to be raised, and all samples from the beginning of the scenario to its end."""
    time = SteppedTime(SOMETIME_MS, STEP_SECONDS * 1000, drift=True)
    samples: list[Sample] = []
    async with World(provider, time, dsn=dsn, per_minute=per_minute) as world:
        section, play = world.section(), Play(world, scenario)
        watcher, checker = Watcher(section), Checker(section)
        now_ms = SOMETIME_MS
        while not play.is_over:
            await play.go_on()
            for one in [*await watcher.read(now_ms), *await checker.read(now_ms)]:
                samples += one.samples
            if world.application is not None:
                samples += await told(world.application, now_ms)
            now_ms = time.step()
        return play.timeline.alerts, samples


def fired(samples: Iterable[Sample]) -> list[Fired]:
    """What the default rules raise over them, by the evaluation that runs live."""
    result = tried(samples)
    assert result.failures == {}
    found: dict[tuple[str, str], Fired] = {}
    for decision in result.decisions:
        alert = decision.transition.alert
        if decision.transition.state in ("firing", "resolved"):
            labels = dict(alert.labels)
            over = decision.transition.state == "resolved"
            found[decision.rule.name, str(sorted(labels.items()))] = Fired(decision.rule.name, labels, over)
    return list(found.values())


def tried(samples: Iterable[Sample]) -> Backtest:
    """All default rules over the samples."""
    columns: dict[str, dict[int, float]] = defaultdict(dict)
    for sample in samples:
        columns[sample.series].setdefault(sample.time_ms, sample.value)
    source = FixedSource(
        {
            labels_from(labels_of(key)): (
                np.array(sorted(values), np.int64),
                np.array([values[time] for time in sorted(values)]),
            )
            for key, values in columns.items()
        }
    )
    last = max(time for values in columns.values() for time in values)
    plans = [plan_group(draft) for file in RULES for draft in parse_rule_file(file.read_text(), file.name)]
    return backtest(plans, source, SOMETIME_MS, last)


def unmet(expected: Iterable[Expected], found: Iterable[Fired]) -> list[str]:
    """What was to be raised and was not, what was raised and was not to be, what was not over at the end."""
    left, problems = list(found), []
    for one in expected:
        met = [alert for alert in left if alert.rule == one.rule and one.labels.items() <= alert.labels.items()]
        if not met:
            problems.append(f"not raised: {one.rule} {dict(one.labels)}")
        problems += [f"not over: {alert.rule} {alert.labels}" for alert in met if not alert.resolved]
        left = [alert for alert in left if alert not in met]
    return problems + [f"raised: {alert.rule} {alert.labels}" for alert in left]
