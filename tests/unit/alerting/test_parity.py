"""An hour of samples gives the same transitions live and in a backtest, also when the service is restarted midway."""

from collections import Counter

import pytest

from services.alerting.core.terms import Terms
from shared.rules.backtest import Backtest, backtest
from shared.rules.files import parse_rule_file
from shared.rules.plan import plan_group
from tests.cases.timeline import START_MS
from tests.unit.alerting.rule_files import RICH, SIMPLE
from tests.unit.alerting.simulated import (
    HOUR_SECONDS,
    MINUTE,
    Accepted,
    apart,
    decided,
    history_of,
    known_by,
    reading,
    restarted,
    run,
    samples_of,
    sources_of,
    told,
)

TERMS = Terms()
END_MS = START_MS + HOUR_SECONDS * 1_000
FILES = {"simple": SIMPLE, "rich": RICH}


def tried(rules: str, accepted: list[Accepted]) -> Backtest:
    return backtest(
        [plan_group(draft) for draft in parse_rule_file(rules, "rules.yaml")],
        history_of(accepted),
        START_MS,
        END_MS,
        known=known_by(accepted),
        dark_after_ms=TERMS.dark_after_ms,
    )


@pytest.mark.parametrize(
    ("rules", "dark"),
    [("simple", []), ("simple", [(1_200, 1_800)]), ("rich", []), ("rich", [(1_200, 1_800)])],
    ids=["simple", "simple, ten minutes dark", "rich", "rich, ten minutes dark"],
)
def test_an_hour_live_is_an_hour_in_a_backtest(rules: str, dark: list[tuple[int, int]]) -> None:
    accepted = samples_of(sources_of(16), reading, HOUR_SECONDS, dark=dark)
    live, found = run(FILES[rules], accepted, HOUR_SECONDS, TERMS), tried(FILES[rules], accepted)
    assert found.failures == {}
    assert bool(dark) == (found.unknown_instants > 10)
    assert {event.state for event in live.events} == {"pending", "firing", "resolved", "inactive"}
    fired = Counter(event.rule for event in live.events if event.state == "firing")
    drafts = parse_rule_file(FILES[rules], "rules.yaml")
    assert fired.keys() == {rule.name for draft in drafts for rule in draft.rules if rule.kind == "alert"}
    assert apart(told(live.events, END_MS), decided(found)) == []

    log = live.log
    again = restarted(log, TERMS, [len(log) // 7, len(log) // 2, len(log) - 30])
    assert [event.encode() for event in again] == [event.encode() for event in live.events]


def test_hours_away_delay_what_is_made_of_others_outputs_and_skip_nothing() -> None:
    """What groups made of the first of two hours comes back only after both have been routed."""
    seconds = 2 * HOUR_SECONDS
    accepted = samples_of(sources_of(6), reading, seconds)
    live, away = (run(RICH, accepted, seconds, TERMS, away=away) for away in (0, seconds))
    assert {event.group for event in live.events if event.instant < START_MS + HOUR_SECONDS * 1_000} >= {"chained"}
    assert apart(told(away.events, END_MS), told(live.events, END_MS)) == []
    assert [group.unknown_instants for group in away.fold.groups.values()] == [
        group.unknown_instants for group in live.fold.groups.values()
    ]


def test_ten_dark_minutes_change_nothing_for_what_fires() -> None:
    """Fifty alerts fire, everything goes dark for ten minutes, and comes back as it was: no event."""
    sources = {
        f"collector/{number}": [f'level{{host="h{number}{host:02}"}}' for host in range(25)] for number in (0, 1)
    }
    accepted = samples_of(sources, lambda *_: 99.0, 40 * 60, dark=[(15 * 60, 25 * 60)])
    events = run(SIMPLE, accepted, 40 * 60, TERMS).events
    fired = [event for event in events if event.state == "firing"]
    assert len(fired) == 100, "each series fires by two rules"
    assert max(event.instant for event in events) < START_MS + 10 * MINUTE
    assert {event.state for event in events} == {"pending", "firing"}
