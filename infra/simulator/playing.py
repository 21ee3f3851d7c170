"""A scenario being played: what of it has come due, and when it is over."""

from collections import deque

from infra.simulator.happening import happen
from infra.simulator.scenarios.scenario import Scenario, Step
from infra.simulator.world import World


class Play:
    """Begins when it is made, by the world's time."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self._world = world
        self.timeline = scenario.timeline(world.provider)
        self.began_ms = world.now_ms()
        self.ends_ms = self.began_ms + scenario.minutes * 60_000
        self._waiting = deque(sorted(self.timeline.steps, key=lambda step: step.at_seconds))

    @property
    def is_over(self) -> bool:
        """Whether its time has passed."""
        return self._world.now_ms() >= self.ends_ms

    async def go_on(self) -> list[Step]:
        """Have happen what has come due; the steps of it, in order."""
        now_ms, done = self._world.now_ms(), list[Step]()
        while self._waiting and self.began_ms + self._waiting[0].at_seconds * 1000 <= now_ms:
            step = self._waiting.popleft()
            await happen(self._world, step.event)
            done.append(step)
        await self._world.go_on()
        return done
