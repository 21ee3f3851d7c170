"""The cases of tests/cases/routing, which a real Alertmanager agrees with: the engine plans what they expect."""

from typing import cast

import pytest
import yaml

from services.notifier.core.planned import Planned
from shared.routing.configuration import parse_routing
from tests.cases.routing import Case, Told, alertmanagers_key, cases
from tests.cases.routing.flushes import START_MS
from tests.unit.notifier.routing_cases import CaseTerms, event_of, silence_of
from tests.unit.notifier.world import FakeTerms, World


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_engine_tells_what_is_expected(case: Case) -> None:
    world = started(case)
    began: dict[str, int] = {}
    for event in case.events:
        at = START_MS + event.at_ms
        for name in event.fire:
            began[name] = START_MS + event.began_ms
            world.publish(event_of(case, case.alerts[name], "firing", began[name], began[name]), at)
        for name in event.resolve:
            world.publish(event_of(case, case.alerts[name], "resolved", at, began[name]), at)
    world.run(START_MS + case.ends_ms)
    assert sorted((at - START_MS, _told(case, one)) for at, one in world.arrived) == sorted(case.expected)


def started(case: Case) -> World:
    """A notifier that begins with the case."""
    routing = parse_routing(yaml.safe_dump(dict(case.configuration)), case.name)
    silences = {str(number): silence_of(one, str(number), START_MS) for number, one in enumerate(case.silences)}
    world: World
    terms = CaseTerms(routing, silences, lambda: world.engine)
    world = World(cast(FakeTerms, terms), now_ms=START_MS - 1)  # which asks no more of it than `Terms` has
    return world


def _told(case: Case, planned: Planned) -> Told:
    notice, destination = planned.notice, planned.destination
    named = [(case.named(one.event.labels), one.status) for one in notice.alerts]
    firing, resolved = (
        tuple(sorted(name for name, status in named if status == wanted)) for wanted in ("firing", "resolved")
    )
    return Told(destination.receiver, destination.index, alertmanagers_key(notice.group_key), firing, resolved)
