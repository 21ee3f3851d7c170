"""Groups that are evaluated on arrival tell the same live and in a backtest, whatever rules and samples there are."""

import random

import pytest

from services.alerting.core.terms import Terms
from shared.messages.samples import STALE, Sample, SampleBatch
from shared.rules.backtest import Backtest, backtest
from shared.rules.dependencies import wire
from shared.rules.files import GroupDraft, parse_rule_file
from shared.rules.plan import plan_group
from tests.cases.simulation import Simulation
from tests.cases.timeline import START_MS
from tests.unit.alerting.simulated import Accepted, apart, decided, history_of, known_by, told

# The grid is evaluated at its instants, so that what came after them has not been told before.
TERMS = Terms(settle_ms=0)
SECONDS = 1_200
END_MS = START_MS + SECONDS * 1_000
SOURCES = {
    "collector/1": ["m", 'm{host="a"}', 'm{host="b"}', 'm{host="b",job="x"}'],
    "collector/2": ['n{host="a"}', 'n{host="c"}', 'm{host="c"}'],
}
EXPRESSIONS = [
    "m > 10",
    "m > 10",
    'm{host="a"} == 20',
    "n <= 5",
    "rate(m[1m]) > 0.5",
    "max by (host) (max_over_time(m[30s])) > 10",
    '{__name__=~"m|n",host!=""} > 10',
    "absent(n)",
    'absent(m{host="a"} > 5)',
    "total > 35",
    "sum(doubled) > 60",
    "m > 10 unless on (host) n > 10",
    "m > on (host) group_left () n",
    'count(ALERTS{alertstate="firing",alertname="X1"}) > 0',
    "m offset 30s > 10",
    "label_replace(m, 'host', 'q$1', 'host', '(.+)') > 10",
]


def rule_of(chance: random.Random, name: str) -> str:
    parts = [f"alert: {name}", f"expr: {chance.choice(EXPRESSIONS)!r}"]
    parts += chance.choice([[], ["for: 20s"], ["keep_firing_for: 30s"], ["for: 10s", "keep_firing_for: 20s"]])
    if chance.random() < 0.3:
        parts.append("labels: {size: '{{ if gt $value 15.0 }}big{{ else }}small{{ end }}'}")
    return "  - {" + ", ".join(parts) + "}"


def drafts_of(chance: random.Random) -> list[GroupDraft]:
    """Groups of each kind that don't read each other in a circle."""
    while True:
        drafts = parse_rule_file(text_of(chance), "rules.yaml")
        groups = {draft.name: draft.group(1, "test", START_MS) for draft in drafts}
        if not any(one.cycle for one in wire(groups, dict.fromkeys(groups, 1)).values()):
            return drafts


def text_of(chance: random.Random) -> str:
    """The recording rules are in two of them, those that read them anywhere."""
    lines = ["groups:"]
    recorded = ["  - {record: total, expr: sum(m)}", "  - {record: doubled, expr: m * 2}"]
    chance.shuffle(recorded)
    for number, interval in enumerate([5, 15, 20]):
        lines += [f"- name: g{number}", f"  interval: {interval}s", "  rules:"]
        if number < 2:
            lines.append(recorded[number])
        lines += [rule_of(chance, f"X{number}"), rule_of(chance, f"Y{number}")]
        if chance.random() < 0.7:
            lines.insert(-3 - (number < 2), "  immediate: true")
    return "\n".join(lines)


def samples_of(chance: random.Random) -> list[Accepted]:
    """Batches that are accepted at their own time, at most one at each."""
    found: list[Accepted] = []
    at = START_MS
    while (at := at + chance.choice([1, 200, 1_000, 5_000, 5_000, 12_000])) < END_MS:
        source = chance.choice(list(SOURCES))
        if at % 400_000 < 90_000 and source == "collector/2":
            continue
        series = chance.sample(SOURCES[source], chance.randint(1, len(SOURCES[source])))
        batch = [Sample(key, at, chance.choice([0.0, 5.0, 20.0, 20.0, float("nan"), STALE])) for key in series]
        found.append(Accepted(at, 0, SampleBatch.of(source, batch)))
    return found


class Prompt(Simulation):
    """What groups make is back before anything else happens."""

    def come_back(self, watermark_ms: int) -> None:
        """All that was made, and what is made of it."""
        while self._waiting:
            self.mark(watermark_ms)


def live(drafts: list[GroupDraft], accepted: list[Accepted]) -> Simulation:
    """Each batch as it is taken; before it, the grid up to then; and what groups make is back at once."""
    simulation = Prompt(TERMS, START_MS - 1)
    simulation.define(drafts)
    simulation.mark()

    def go_to(instant_ms: int) -> None:
        """All instants of the grid, one after the other."""
        while (second := simulation.now_ms // 1_000 * 1_000 + 1_000) < instant_ms:
            stop_at(second)
        stop_at(instant_ms)

    def stop_at(instant_ms: int) -> None:
        before, simulation.now_ms = simulation.now_ms, instant_ms
        simulation.come_back(before)
        simulation.mark(instant_ms - 1)
        simulation.come_back(instant_ms - 1)

    for one in accepted:
        go_to(one.accepted_ms)
        simulation.accept(one.batch)
    go_to(END_MS + 1_000)
    return simulation


@pytest.mark.parametrize("seed", [*range(10), 29])
def test_on_arrival_live_is_the_backtest(seed: int) -> None:
    chance = random.Random(seed)
    drafts = drafts_of(chance)
    accepted = samples_of(chance)
    events = live(drafts, accepted).events
    found = tried(drafts, accepted)
    assert apart(told(events, END_MS), decided(found)) == []
    assert len(found.decisions) > 10


def tried(drafts: list[GroupDraft], accepted: list[Accepted], slice_steps: int = 37) -> Backtest:
    return backtest(
        [plan_group(draft) for draft in drafts],
        history_of(accepted),
        START_MS,
        END_MS,
        known=known_by(accepted),
        dark_after_ms=TERMS.dark_after_ms,
        slice_steps=slice_steps,
    )


@pytest.mark.parametrize("seed", range(4))
def test_on_arrival_it_does_not_matter_how_a_backtest_is_sliced(seed: int) -> None:
    chance = random.Random(seed)
    drafts = drafts_of(chance)
    accepted = samples_of(chance)
    whole = tried(drafts, accepted, 10_000)
    for steps in (1, 7):
        assert repr(tried(drafts, accepted, steps).decisions) == repr(whole.decisions)
