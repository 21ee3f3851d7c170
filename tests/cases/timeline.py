"""Reads a timeline file and folds it: rules, samples at offsets, stretches without collectors -> transitions.

rules: |            a rule file
until: 5m           how far time goes
samples:            at each offset, series and values; `source` and `time` (the sample's own, if another) may be given
  - {at: 10s, set: {'m{host="a"}': 5}}
  - {at: 20s, batch: [{time: 12s, set: {m: 1}}, {time: 14s, set: {m: 2}}]}     of several times
every: 30s          repeats each line of `steady` at this distance
steady: {'m{host="b"}': 1}
dark: [[60s, 3m]]   stretches without a sign of a collector
away: [[60s, 3m]]   stretches in which the bus is away: it accepts nothing and time stands still; what collectors take
                    meanwhile is accepted when it is back, unless `lost: true` says that they held nothing
restarts: [2m]      when the service is stopped and taken up from what it stored
filled: {g: 5m}     groups that wait for history, and when it has filled their windows
terms: {most_series: 3}
changes:            other rules from an offset on
  - {at: 2m, rules: |...}

and what must come of it, of which `expected` must be there:

expected:           all transitions, in their order: offset, state, alert name and labels; `shadow` if it is one's; how
                    much later than usual it was told; how many of the samples that it rests on came late
  - 15s firing high{host="a"}
made:               all samples that groups made: offset, series, value
  - 15s total 5
messages:           the text of each transition
refused: {g: why}   groups that are refused at the end: a part of the reason
held: {rule: why}   rules that are held or failing at the end: a part of the reason
counted: {late: 1}  samples that were refused, by reason
"""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.samples import STALE, Sample
from shared.messages.series import key_of
from shared.promql.durations import duration_text, parse_duration
from shared.promql.source import is_stale
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Simulation

START_MS = 1_700_000_100_000  # on the grid of 15 s and of 5 min
SECOND = 1_000
_SIGN_EVERY = 30 * SECOND
_OTHER = "collector/other"
_KNOWN = {
    *("rules", "until", "samples", "every", "steady", "dark", "away", "lost", "restarts", "filled", "terms", "changes"),
    *("expected", "made", "messages", "refused", "held", "counted"),
}


def load(path: Path) -> dict[str, Any]:
    """A case as it is in its file. ValueError if it says something that nobody reads."""
    data: dict[str, Any] = yaml.safe_load(path.read_text())
    if unknown := data.keys() - _KNOWN:
        raise ValueError(f"{path.name}: nobody knows {sorted(unknown)}")
    return data


def play(data: dict[str, Any]) -> Simulation:
    """A case, played to its end."""
    simulation = Simulation(Terms(**data.get("terms", {})), START_MS)
    simulation.from_history = set(data.get("filled", {}))
    dark, away = _stretches(data, "dark"), _stretches(data, "away")
    changes = {0: data["rules"]} | {parse_duration(one["at"]): one["rules"] for one in data.get("changes", [])}
    restarts = {parse_duration(at) for at in data.get("restarts", [])}
    filled = {parse_duration(at): group for group, at in data.get("filled", {}).items()}
    sent, waiting = _samples(data), list[tuple[str, list[Sample]]]()
    for second in range(0, parse_duration(data["until"]) + SECOND, SECOND):
        simulation.now_ms = START_MS + second
        gone = any(start < second <= end for start, end in away)
        if second in restarts:
            simulation.restart()
        if second in changes:
            simulation.define(parse_rule_file(changes[second], "case"))
        if second in filled:
            simulation.fill_from_history(filled[second])
        watched = not any(start < second <= end for start, end in dark)
        if second % _SIGN_EVERY == 0 and watched and not gone:
            simulation.sign(_OTHER, simulation.now_ms)
        waiting += sent.get(second, [])
        if gone:
            waiting = [] if data.get("lost") else waiting
            continue
        for source, samples in waiting:
            simulation.send(source, samples)
        waiting = []
        simulation.mark()
    return simulation


def outcome(simulation: Simulation) -> dict[str, Any]:
    """What came of a case, in the words in which it says what must."""
    groups = simulation.fold.groups
    return {
        "expected": [told(event) for event in simulation.events],
        "made": [_made(sample) for batch in simulation.made for sample in batch.samples()],
        "messages": [event.message for event in simulation.events],
        "refused": {name: group.refusal for name, group in groups.items() if group.refusal is not None},
        "held": {
            group.definition.rules[place].name: reason
            for group in groups.values()
            for place, reason in (group.problems | group.failing).items()
        },
        "counted": {reason: count for reason, count in simulation.refused.items() if count},
    }


def told(event: AlertEvent) -> str:
    """An event as a line of `expected`: the labels without those that alerting adds."""
    shown = {name: value for name, value in event.labels.items() if name not in ("alertname", "severity")}
    offset = event.instant - START_MS
    line = f"{duration_text(offset)} {event.state} {key_of({'__name__': event.rule, **shown})}"
    line += " shadow" if event.shadow else ""
    line += f", told {duration_text(event.late_ms)} later" if event.late_ms else ""
    return line + (f", {event.evidence.late_samples} late" if event.evidence.late_samples else "")


def _made(sample: Sample) -> str:
    value = "stale" if is_stale(np.array([sample.value])).all() else f"{sample.value:g}"
    return f"{duration_text(sample.time_ms - START_MS)} {sample.series} {value}"


def _stretches(data: dict[str, Any], name: str) -> list[tuple[int, int]]:
    return [(parse_duration(start), parse_duration(end)) for start, end in data.get(name, [])]


def _samples(data: dict[str, Any]) -> dict[int, list[tuple[str, list[Sample]]]]:
    sent: dict[int, list[tuple[str, list[Sample]]]] = {}
    for one in data.get("samples", []):
        samples = [
            Sample(key, START_MS + parse_duration(some.get("time", one["at"])), _value(value))
            for some in one.get("batch", [one])
            for key, value in some["set"].items()
        ]
        sent.setdefault(parse_duration(one["at"]), []).append((one.get("source", "push/1"), samples))
    if "every" in data:
        every = parse_duration(data["every"])
        for at in range(0, parse_duration(data["until"]) + 1, every):
            samples = [Sample(key, START_MS + at, float(value)) for key, value in data["steady"].items()]
            sent.setdefault(at, []).append(("collector/case", samples))
    return sent


def _value(value: str | float) -> float:
    return STALE if value == "stale" else float(value)
