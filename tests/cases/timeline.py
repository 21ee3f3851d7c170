"""Reads a timeline file and folds it: rules, samples at offsets, stretches without collectors -> transitions.

rules: |            a rule file
until: 5m           how far time goes
samples:            at each offset, series and values; `source` and `time` (the sample's own, if another) may be given
  - {at: 10s, set: {'m{host="a"}': 5}}
every: 30s          repeats each line of `steady` at this distance
steady: {'m{host="b"}': 1}
dark: [[60s, 3m]]   stretches without a sign of a collector
changes:            other rules from an offset on
  - {at: 2m, rules: |...}
expected:           all transitions, in their order: offset, state, alert name and labels
  - 15s firing high{host="a"}
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from services.alerting.core.fold import Fold
from services.alerting.core.inputs import Input, Marker, Progress, RuleChange
from services.alerting.core.routing import Routes, selectors_of
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.rules import RuleGroup
from shared.messages.samples import STALE, Sample, SampleBatch
from shared.messages.series import key_of
from shared.promql.durations import duration_text, parse_duration
from shared.rules.files import parse_rule_file

START_MS = 1_700_000_100_000  # on the grid of 15 s and of 5 min
SECOND = 1_000
_SIGN_EVERY = 30 * SECOND


@dataclass
class Timeline:
    """A case: the log that it makes, and what is expected of it."""

    name: str
    log: list[Input]
    expected: list[str]
    revisions: int = 0
    told: list[str] = field(default_factory=list)


def load(path: Path) -> Timeline:
    """The case in a file."""
    data: dict[str, Any] = yaml.safe_load(path.read_text())
    return Timeline(path.stem, list(_log(data)), data["expected"])


def fold_all(log: list[Input], terms: Terms | None = None) -> list[AlertEvent]:
    """The events of a whole log."""
    fold = Fold(terms or Terms())
    return [event for message in log for outputs in fold.apply(message) for event in outputs.events]


def told(event: AlertEvent) -> str:
    """An event as a line of `expected`: the labels without those that alerting adds."""
    shown = {name: value for name, value in event.labels.items() if name not in ("alertname", "severity")}
    offset = event.instant - START_MS
    return f"{duration_text(offset)} {event.state} {key_of({'__name__': event.rule, **shown})}"


def _log(data: dict[str, Any]) -> Iterator[Input]:
    """One input a second and more: as the router would write it, with one samples partition."""
    dark = [(parse_duration(start), parse_duration(end)) for start, end in data.get("dark", [])]
    routes, groups = Routes(), dict[str, RuleGroup]()
    revision = offset = sign = 0
    changes = {0: data["rules"]} | {parse_duration(one["at"]): one["rules"] for one in data.get("changes", [])}
    sent = _samples(data)
    for second in range(0, parse_duration(data["until"]) + SECOND, SECOND):
        now = START_MS + second
        if second in changes:
            for change in _changes(changes[second], groups, routes, revision, now):
                revision = change.revision
                yield change
        if second % _SIGN_EVERY == 0 and not any(start < second <= end for start, end in dark):
            sign = now
        for source, samples in sent.get(second, []):
            offset += 1
            yield from routes.split(SampleBatch.of(source, samples), 0, offset, now)
        yield Marker(1, [Progress(0, now, sign, revision)])


def _changes(text: str, groups: dict[str, RuleGroup], routes: Routes, revision: int, now: int) -> Iterator[RuleChange]:
    drafts = {draft.name: draft for draft in parse_rule_file(text, "case")}
    for name in groups.keys() - drafts.keys():
        revision += 1
        del groups[name]
        routes.put(name, frozenset())
        yield RuleChange(name, revision, now)
    for name, draft in drafts.items():
        if name in groups and draft.same_as(groups[name]):
            continue
        revision += 1
        groups[name] = draft.group(revision, "case", now)
        routes.put(name, selectors_of(groups[name]))
        yield RuleChange(name, revision, now, groups[name].encode())


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
