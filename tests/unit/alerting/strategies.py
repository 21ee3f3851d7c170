"""Random logs of a group partition: rules, samples, markers, in any order that a broker might hold them."""

import random

from hypothesis import strategies as st

from services.alerting.core.inputs import GroupSamples, Input, Marker, Progress, RuleChange
from services.alerting.core.routing import Routes, selectors_of
from shared.messages.rules import AlertingRule, RuleGroup
from shared.messages.samples import STALE, Sample, SampleBatch
from tests.cases.timeline import START_MS

SERIES = ["m", 'm{host="a"}', 'm{host="b"}', 'm{host="b",severity="info"}', 'n{host="a"}']
EXPRESSIONS = ["m > 10", 'm{host="a"} == 20', "n <= 5", "rate(m[5m]) > 1", '{__name__=~"m|n"} > 10']


def make_log(seed: int, length: int) -> list[Input]:
    """A log of about `length` messages from two samples partitions; repeats and late samples among them."""
    chance = random.Random(seed)
    now = START_MS
    log: list[Input] = []
    groups: dict[str, RuleGroup] = {}
    routes = Routes()
    revision = sign = offset = 0
    while len(log) < length:
        now += chance.choice([0, 1, 200, 1_000, 5_000, 20_000, 20_000, 150_000 if chance.random() < 0.05 else 0])
        what = chance.random()
        if what < 0.08 or not groups:
            revision += 1
            log.append(_change(chance, chance.choice("gh"), revision, now, groups, routes))
        elif what < 0.55:
            offset += 1
            samples = [
                Sample(key, now - chance.choice([0, 0, 0, 3_000, 400_000, -2_000, -700_000]), _value(chance))
                for key in chance.choices(SERIES, k=chance.randint(1, 6))
            ]
            log += routes.split(SampleBatch.of("push/1", samples), chance.randint(0, 1), offset, now)
        elif what < 0.6 and log:
            log.append(chance.choice(log[-20:]))  # told again after a crash of the router
        else:
            if chance.random() < 0.8:
                sign = now
            log.append(Marker(2, [Progress(one, now, sign, revision) for one in (0, 1) if chance.random() < 0.9]))
    return log


def logs(longest: int = 120) -> st.SearchStrategy[list[Input]]:
    """Random logs."""
    return st.builds(make_log, st.integers(0, 2**32), st.integers(5, longest))


def _value(chance: random.Random) -> float:
    return chance.choice([0.0, 5.0, 20.0, 20.0, float("nan"), STALE])


def _change(
    chance: random.Random, name: str, revision: int, now: int, groups: dict[str, RuleGroup], routes: Routes
) -> RuleChange:
    if name in groups and chance.random() < 0.2:
        del groups[name]
        routes.put(name, frozenset())
        return RuleChange(name, revision, now)
    rules = [
        AlertingRule(
            name=chance.choice("xyz"),
            expr=chance.choice(EXPRESSIONS),
            for_ms=chance.choice([0, 0, 30_000]),
            keep_firing_for_ms=chance.choice([0, 0, 30_000]),
            labels=chance.choice([{}, {"team": "sre"}, {"host": "same"}]),
        )
        for _ in range(chance.randint(1, 3))
    ]
    groups[name] = RuleGroup(
        name=name,
        rules=list(rules),
        immediate=chance.random() < 0.5,
        limit=chance.choice([0, 0, 1]),
        enabled=chance.random() < 0.9,
        version=revision,
        origin="api",
        updated_by="someone",
        updated_at=now,
    )
    routes.put(name, selectors_of(groups[name]))
    return RuleChange(name, revision, now, groups[name].encode())


__all__ = ["GroupSamples", "logs", "make_log"]
