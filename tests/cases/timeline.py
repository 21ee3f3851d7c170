"""Reads a timeline file and folds it: rules, samples at offsets, stretches without collectors -> transitions.

rules: |            a rule file
until: 5m           how far time goes
samples:            at each offset, series and values; `source` and `time` (the sample's own, if another) may be given
  - {at: 10s, set: {'m{host="a"}': 5}}
every: 30s          repeats each line of `steady` at this distance
steady: {'m{host="b"}': 1}
dark: [[60s, 3m]]   stretches without a sign of a collector
away: [[60s, 3m]]   stretches in which the bus is away: time stands still; what is sent then has no offset in it
changes:            other rules from an offset on
  - {at: 2m, rules: |...}
expected:           all transitions, in their order: offset, state, alert name and labels, `shadow` if it is one's
  - 15s firing high{host="a"}
"""

from pathlib import Path
from typing import Any

import yaml

from shared.messages.alerts import AlertEvent
from shared.messages.samples import STALE, Sample
from shared.messages.series import key_of
from shared.promql.durations import duration_text, parse_duration
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Simulation

START_MS = 1_700_000_100_000  # on the grid of 15 s and of 5 min
SECOND = 1_000
_SIGN_EVERY = 30 * SECOND


def play(path: Path) -> tuple[Simulation, list[str]]:
    """The case in a file, played to its end, and the transitions that it expects."""
    data: dict[str, Any] = yaml.safe_load(path.read_text())
    simulation = Simulation(now_ms=START_MS)
    dark, away = _stretches(data, "dark"), _stretches(data, "away")
    changes = {0: data["rules"]} | {parse_duration(one["at"]): one["rules"] for one in data.get("changes", [])}
    sent = _samples(data)
    for second in range(0, parse_duration(data["until"]) + SECOND, SECOND):
        simulation.now_ms = START_MS + second
        if second in changes:
            simulation.define(parse_rule_file(changes[second], "case"))
        watched = not any(start < second <= end for start, end in dark)
        if second % _SIGN_EVERY == 0 and watched:
            simulation.sign("collector/other", simulation.now_ms)
        for source, samples in sent.get(second, []):
            simulation.send(source, samples)
        # Time stands still while the bus is away, and leaps when it is back.
        if not any(start < second <= end for start, end in away):
            simulation.mark()
    return simulation, data["expected"]


def told(event: AlertEvent) -> str:
    """An event as a line of `expected`: the labels without those that alerting adds."""
    shown = {name: value for name, value in event.labels.items() if name not in ("alertname", "severity")}
    offset = event.instant - START_MS
    line = f"{duration_text(offset)} {event.state} {key_of({'__name__': event.rule, **shown})}"
    return f"{line} shadow" if event.shadow else line


def _stretches(data: dict[str, Any], name: str) -> list[tuple[int, int]]:
    return [(parse_duration(start), parse_duration(end)) for start, end in data.get(name, [])]


def _samples(data: dict[str, Any]) -> dict[int, list[tuple[str, list[Sample]]]]:
    sent: dict[int, list[tuple[str, list[Sample]]]] = {}
    for one in data.get("samples", []):
        at = parse_duration(one["at"])
        time = START_MS + parse_duration(one.get("time", one["at"]))
        samples = [Sample(key, time, STALE if value == "stale" else float(value)) for key, value in one["set"].items()]
        sent.setdefault(at, []).append((one.get("source", "push/1"), samples))
    if "every" in data:
        every = parse_duration(data["every"])
        for at in range(0, parse_duration(data["until"]) + 1, every):
            samples = [Sample(key, START_MS + at, float(value)) for key, value in data["steady"].items()]
            sent.setdefault(at, []).append(("collector/case", samples))
    return sent
