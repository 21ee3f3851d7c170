"""An hour of samples gives the same transitions live and in a backtest, also when the service is restarted midway."""

import random

import pytest

from services.alerting.core import snapshots
from services.alerting.core.fold import Fold
from services.alerting.core.terms import Terms
from shared.messages.rules import RuleGroup
from shared.messages.samples import STALE
from shared.rules.backtest import backtest
from shared.rules.files import parse_rule_file
from shared.rules.plan import plan_group
from tests.cases.timeline import START_MS
from tests.unit.alerting.simulated import MINUTE, decided, events_of, history_of, known_by, log_of, samples_of, told

HOUR = 3_600
TERMS = Terms()
RULES = """
groups:
- name: levels
  rules:
  - {alert: High, expr: 'level > 80', for: 30s, severity: critical}
  - {alert: Low, expr: 'level < 10', keep_firing_for: 45s, severity: warning}
  - {alert: Special, expr: 'level{host=~"h0.*"} == 50', severity: info, labels: {team: field}}
- name: slow
  interval: 1m
  rules:
  - {alert: Above, expr: 'level{host!="h03"} >= 60', for: 2m, keep_firing_for: 3m, severity: warning}
- name: quick
  interval: 5s
  rules:
  - {alert: Half, expr: 'level <= 50', for: 10s, severity: warning}
"""
SOURCES = {
    f"{kind}/{number}": [f'level{{host="h{host:02}"}}' for host in range(number, 40, 4)]
    for number, kind in enumerate(["collector", "push", "collector", "push"])
}


def groups() -> list[RuleGroup]:
    return [draft.group(1, "test", START_MS) for draft in parse_rule_file(RULES, "parity")]


def reading(chance: random.Random, key: str, second: int) -> float | None:
    """Mostly a slow wave, with gaps longer and shorter than the lookback, staleness markers, NaN and odd jumps."""
    host = int(key.split('"h')[1][:2])
    if (second // 400 + host) % 9 == 4:
        return STALE if second % 400 < 15 and host % 2 else None
    if chance.random() < 0.02:
        return chance.choice([float("nan"), 0.0, 100.0])
    return round(50 + 50 * ((second // 60 * (host % 7 + 1)) % 20 - 10) / 10 + chance.choice([-5, 0, 0, 5]), 1)


def through_a_snapshot(fold: Fold) -> Fold:
    snapshot = snapshots.take(fold, 1, None, "test")
    manifest = snapshots.decode_manifest(snapshots.encode_manifest(snapshot.manifest))
    return snapshots.restore(TERMS, manifest, snapshot.chunks)


@pytest.mark.parametrize("dark", [[], [(1_200, 1_800)]], ids=["light", "ten minutes dark"])
def test_an_hour_live_is_an_hour_in_a_backtest(dark: list[tuple[int, int]]) -> None:
    accepted = samples_of(SOURCES, reading, HOUR, dark=dark)
    log = list(log_of(groups(), accepted, HOUR))
    live = events_of(log, TERMS)
    tried = backtest(
        [plan_group(group) for group in groups()],
        history_of(accepted),
        START_MS,
        START_MS + HOUR * 1_000,
        known=known_by(accepted, TERMS.dark_after_ms),
    )
    assert tried.failures == {}
    assert bool(dark) == (tried.unknown_instants > 10)
    states = {event.state for event in live}
    assert states == {"pending", "firing", "resolved", "inactive"}
    assert len({event.alert_id for event in live}) > 100
    assert told(live) == decided(tried)

    restarts = [len(log) // 7, len(log) // 2, len(log) - 30]
    again = events_of(log, TERMS, restarts, through_a_snapshot)
    assert [event.encode() for event in again] == [event.encode() for event in live]


def test_ten_dark_minutes_change_nothing_for_what_fires() -> None:
    """Fifty alerts fire, everything goes dark for ten minutes, and comes back as it was: no event."""
    sources = {
        f"collector/{number}": [f'level{{host="h{number}{host:02}"}}' for host in range(25)] for number in (0, 1)
    }
    accepted = samples_of(sources, lambda *_: 99.0, 40 * 60, dark=[(15 * 60, 25 * 60)])
    events = events_of(list(log_of(groups(), accepted, 40 * 60)), TERMS)
    fired = [event for event in events if event.state == "firing"]
    assert len(fired) == 100, "each series fires by two rules"
    assert max(event.instant for event in events) < START_MS + 10 * MINUTE
    assert {event.state for event in events} == {"pending", "firing"}
