"""The cases of tests/cases/routing: our tree, with the rules of flushing in short, tells what Alertmanager is to tell.
The same files are given to a real one in tests/integration/test_routing_peers.py, to the notifier's engine in
tests/unit/notifier, and to the notifier in tests/integration/test_notifier_routing.py."""

import pytest

from tests.cases.routing import Case, cases
from tests.cases.routing.flushes import Flushes

CASES = [case.of_alertmanager for case in cases()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_expected_is_told(case: Case) -> None:
    assert sorted(Flushes(case).run()) == sorted(case.expected)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_events_keep_away_from_when_groups_are_looked_at(case: Case) -> None:
    """Else a slow machine would tell something else than a fast one."""
    flushes = Flushes(case)
    flushes.run()
    for event in case.events:
        assert all(at == event.at_ms or abs(at - event.at_ms) >= 500 for at in flushes.looks), event
