"""Random logs of a partition: rules, samples, markers, in any order that a broker might hold them."""

import random

from hypothesis import strategies as st

from services.alerting.core.terms import Terms
from shared.messages.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from shared.messages.samples import STALE, Sample, SampleBatch
from tests.cases.simulation import Log, Simulation
from tests.cases.timeline import START_MS

TERMS = Terms()
SERIES = ["m", 'm{host="a"}', 'm{host="b"}', 'm{host="b",severity="info"}', 'n{host="a"}']
EXPRESSIONS = [
    "m > 10",
    'm{host="a"} == 20',
    "n <= 5",
    "rate(m[2m]) > 0",
    "max by (host) (max_over_time(m[1m])) > 10",
    '{__name__=~"m|n"} > 10',
    "absent(n)",
    "total > 15",
    "m > 10 unless on (host) n > 0",
    'ALERTS{alertstate="firing",alertname="x"}',
    "m offset 1m > 10",
    "m offset -10s > 10",
    "avg_over_time(m[12m]) > 10",
    "share > 0 and on (host) m",
    "ALERTS_FOR_STATE",
    "m > 10 and on () time() % 7 > 3",
    "m @ 1700000000 > 1",
]
RECORDED = [
    ("total", "sum(m)"),
    ("total", "sum by (host) (m)"),
    ("total", "m * 2"),
    ("share", "m / on () group_left total"),
    ("share", "count by (host) (ALERTS)"),
]
SOURCES = {"push/1": 0, "collector/2": 1, "push/3": 1}
"""With the partitions that they are in."""


def play(seed: int, length: int) -> Simulation:
    """A simulation of about `length` messages; repeats, late samples and partitions that are behind among them."""
    chance = random.Random(seed)
    simulation = Simulation(TERMS, START_MS, partitions=2)
    while len(simulation.log) < length:
        steps = [0, 1, 200, 1_000, 5_000, 20_000, 20_000, 150_000 if chance.random() < 0.05 else 0]
        simulation.now_ms += chance.choice(steps)
        what = chance.random()
        if what < 0.08 or not simulation.groups:
            _change(chance, simulation, chance.choice("ghi"))
        elif what < 0.09:
            simulation.hold(chance.randrange(2))
        elif what < 0.11:
            simulation.release(chance.randrange(2))
        elif what < 0.13:
            simulation.fill_from_history(chance.choice(sorted(simulation.groups)))
        elif what < 0.55:
            times = [0, 0, 0, -3_000, -40_000, -400_000, 2_000, 700_000]
            samples = [
                Sample(key, simulation.now_ms + chance.choice(times), _value(chance))
                for key in chance.choices(SERIES, k=chance.randint(1, 6))
            ]
            source, partition = chance.choice(list(SOURCES.items()))
            simulation.accept(SampleBatch.of(source, samples), partition)
        elif what < 0.6:
            simulation.put(chance.choice(simulation.log[-20:])[0])  # told again after a crash of the router
        else:
            if chance.random() < 0.8:
                simulation.sign("collector/1", simulation.now_ms)
            simulation.mark()
    return simulation


def logs(longest: int = 120) -> st.SearchStrategy[Log]:
    """Random logs."""
    return st.builds(lambda seed, length: play(seed, length).log, st.integers(0, 2**32), st.integers(5, longest))


def _value(chance: random.Random) -> float:
    return chance.choice([0.0, 5.0, 20.0, 20.0, float("nan"), STALE])


def _change(chance: random.Random, simulation: Simulation, name: str) -> None:
    if name in simulation.groups and chance.random() < 0.2:
        simulation.put_group(None, name)
        return
    rules: list[Rule] = [
        AlertingRule(
            name=chance.choice("xyz"),
            expr=chance.choice(EXPRESSIONS),
            for_ms=chance.choice([0, 0, 30_000]),
            keep_firing_for_ms=chance.choice([0, 0, 30_000]),
            labels=chance.choice([{}, {"team": "sre"}, {"host": "same"}]),
            annotations=chance.choice([{}, {"summary": "{{ $labels.host }} is at {{ $value }}"}]),
        )
        for _ in range(chance.randint(1, 3))
    ]
    if chance.random() < 0.4:
        metric, expr = chance.choice(RECORDED)
        rules.insert(chance.randint(0, len(rules)), RecordingRule(name=metric, expr=expr))
    simulation.from_history.discard(name)
    if chance.random() < 0.1:
        simulation.from_history.add(name)
    group = RuleGroup(
        name=name,
        rules=rules,
        immediate=chance.random() < 0.5,
        limit=chance.choice([0, 0, 1]),
        enabled=chance.random() < 0.9,
        query_offset_ms=chance.choice([0, 0, 30_000]),
        version=simulation.revision + 1,
        origin="api",
        updated_by="someone",
        updated_at=simulation.now_ms,
    )
    simulation.put_group(group, name)
