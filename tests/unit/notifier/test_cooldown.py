"""What is sent under a cooldown is what a backtest says would be."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messages.alerts import State
from shared.rules.sendings import sendings
from tests.unit.notifier.events import alert_event
from tests.unit.notifier.world import World

T = 1_700_000_000_000
S = 1_000
# None ends in the very millisecond of a change: which of the two comes first then is nobody's promise.
COOLDOWNS_MS = [0, 60_001, 300_001, 900_001]


@settings(max_examples=200, deadline=None)
@given(
    waits=st.lists(st.integers(1, 600), min_size=1, max_size=20),
    cooldowns=st.lists(st.sampled_from(COOLDOWNS_MS), min_size=20, max_size=20),
)
def test_the_same_is_sent_as_in_a_backtest(waits: list[int], cooldowns: list[int]) -> None:
    world, decisions = World(), list[Any]()
    now_ms, episode = T, T
    for number, (wait, cooldown) in enumerate(zip(waits, cooldowns, strict=False)):
        now_ms += wait * S
        state: State = "resolved" if number % 2 else "firing"
        episode = episode if number % 2 else now_ms
        rule = SimpleNamespace(shadow=False, cooldown_ms=cooldown)
        alert = SimpleNamespace(id="a", since_ms=now_ms)
        decisions.append(SimpleNamespace(rule=rule, transition=SimpleNamespace(alert=alert, state=state)))
        event = alert_event("a", 1 + number % 2, state, now_ms, episode, cooldown_ms=cooldown)
        world.publish(event, now_ms)
    world.run(now_ms + 2_000 * S)
    told = [(at, one.notice.alerts[0].status) for at, one in world.arrived if one.notice.occasion == "change"]
    assert told == [(one.at_ms, one.kind) for one in sendings(decisions)]
