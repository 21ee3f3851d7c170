"""When silence is told, by whom, how often, and when it is over. Told in seconds of a made-up clock."""

from itertools import pairwise

import pytest

from services.notifier.core.watchdog import Page, Rules, Watch
from services.notifier.core.watchdog_notice import notice
from shared.messages.access import Recipient

SECOND = 1000
RULES = Rules(
    silent_after_ms=60 * SECOND,
    not_ready_after_ms=300 * SECOND,
    startup_grace_ms=120 * SECOND,
    repeat_after_ms=600 * SECOND,
    longest_repeat_ms=2_000 * SECOND,
    stagger_ms=60 * SECOND,
)


class World:
    """Notifiers `a`, `b`, … that hear the same heartbeats, every 5 s, as long as the bus is there."""

    def __init__(self, names: str = "a", active: str | None = "a") -> None:
        self.now = 0
        self.active = active
        self.bus = self.alerting = True
        self.reasons: tuple[str, ...] = ()
        self.alive = set(names)
        self.watches = {name: Watch(RULES, name, 0) for name in names}
        self.pages: list[tuple[int, str, Page]] = []

    def run(self, seconds: int) -> "World":
        """Let time pass."""
        for _ in range(seconds):
            self.now += 1
            if self.bus and self.now % 5 == 0:
                self._beat()
            for name in sorted(self.alive):
                pages = self.watches[name].look(self.now * SECOND, name == self.active)
                self.pages += [(self.now, name, page) for page in pages]
        return self

    def _beat(self) -> None:
        beats: list[tuple[str, str, tuple[str, ...]]] = [("notifier", name, ()) for name in sorted(self.alive)]
        if self.alerting:
            beats.append(("alerting", "w", self.reasons))
        for service, instance, reasons in beats:
            for name in self.alive:
                self.watches[name].heard(service, instance, reasons, self.now * SECOND, self.now * SECOND)

    def told(self) -> list[tuple[int, str, str]]:
        """(second, notifier, what)."""
        return [(at, name, f"{page.kind} over" if page.over else page.kind) for at, name, page in self.pages]


def test_as_long_as_all_is_well_nothing_is_said() -> None:
    world = World("ab").run(4_000)
    assert world.told() == []
    assert world.watches["a"].is_well(world.now * SECOND)


def test_alerting_is_silent_and_comes_back() -> None:
    world = World().run(1_000)
    world.alerting = False
    world.run(100)
    assert world.told() == [(1_060, "a", "alerting")]
    assert not world.watches["a"].is_well(world.now * SECOND)
    world.alerting = True
    world.run(100)
    assert world.told()[1:] == [(1_105 + 30, "a", "alerting over")]
    assert world.watches["a"].is_well(world.now * SECOND)


def test_it_is_said_again_ever_more_rarely() -> None:
    world = World().run(1_000)
    world.alerting = False
    world.run(7_000)
    at = [second for second, _, _ in world.told()]
    assert [later - earlier for earlier, later in pairwise(at)] == [600, 1_200, 2_000, 2_000]
    assert len({page.id for _, _, page in world.pages}) == len(world.pages)


def test_the_bus_is_silent_and_alerting_is_not_blamed() -> None:
    world = World().run(1_000)
    world.bus = False
    world.run(300)
    world.bus = True
    world.run(300)
    assert world.told() == [(1_060, "a", "bus"), (1_335, "a", "bus over")]


def test_the_bus_comes_back_and_alerting_does_not() -> None:
    world = World().run(1_000)
    world.bus = False
    world.run(300)
    world.bus, world.alerting = True, False
    world.run(200)
    # Alerting's time begins when the bus is back for good.
    assert [(at, what) for at, _, what in world.told()] == [(1_060, "bus"), (1_335, "bus over"), (1_394, "alerting")]


def test_only_the_active_notifier_says_that_alerting_is_silent() -> None:
    world = World("abc", active="b").run(1_000)
    world.alerting = False
    world.run(100)
    assert world.told() == [(1_060, "b", "alerting")]
    world.active = "c"  # it took over: the same silence is not told again, but its repetition and its end are
    world.run(600)
    world.alerting = True
    world.run(100)
    assert world.told()[1:] == [(1_660, "c", "alerting"), (1_735, "c", "alerting over")]


def test_the_active_notifier_died_with_alerting_and_nobody_took_over() -> None:
    world = World("ab", active="a").run(1_000)
    world.alerting, world.active = False, None
    world.alive = {"b"}
    world.run(100)
    assert world.told() == [(1_060, "b", "alerting")]


def test_one_page_when_the_bus_is_silent_for_a_moment_and_one_of_each_if_for_longer() -> None:
    world = World("abc", active="b").run(1_000)
    world.bus = False
    world.run(119)
    assert world.told() == [(1_060, "b", "bus")]
    world.run(500)
    assert world.told() == [(1_060, "b", "bus"), (1_120, "a", "bus"), (1_240, "c", "bus")]
    assert len({page.id for _, _, page in world.pages}) == 1  # who drops what comes twice shows one
    world.bus = True
    world.run(60)
    over = world.told()[3:]
    assert {name for _, name, _ in over} == {"a", "b", "c"}
    assert len({page.id for _, _, page in world.pages[3:]}) == 1


def test_who_has_said_nothing_does_not_say_that_it_is_over() -> None:
    world = World("ab", active="b").run(1_000)
    world.bus = False
    world.run(90)
    world.bus = True
    world.run(100)
    assert [(name, what) for _, name, what in world.told()] == [("b", "bus"), ("b", "bus over")]


@pytest.mark.parametrize("active", ["a", None])
def test_a_start_without_a_bus_is_told_after_the_grace(active: str | None) -> None:
    world = World("a", active)
    world.bus = False
    world.run(119)
    assert world.told() == []
    world.run(1)
    assert world.told() == [(120, "a", "bus")]


def test_a_start_at_which_alerting_is_not_there_yet() -> None:
    world = World()
    world.alerting = False
    world.run(100)
    assert not world.watches["a"].is_well(world.now * SECOND)  # never heard: no ping goes out
    world.alerting = True
    world.run(200)
    assert world.told() == []


def test_alerting_that_does_no_work_is_told_with_its_reasons() -> None:
    world = World().run(1_000)
    world.reasons = ("events: no partitions",)
    world.run(400)
    assert world.told() == [(1_300, "a", "not_ready")]
    assert world.pages[0][2].reasons == ("events: no partitions",)
    world.reasons = ()
    world.run(60)
    assert world.told()[1:] == [(1_435, "a", "not_ready over")]


def test_what_comes_and_goes_is_one_trouble() -> None:
    world = World().run(1_000)
    for _ in range(10):
        world.alerting = False
        world.run(70)
        world.alerting = True
        world.run(25)
    assert [what for _, _, what in world.told()] == ["alerting", "alerting"]  # the second is the repetition


def test_a_notifier_that_was_itself_away_blames_nobody() -> None:
    world = World("a").run(1_000)
    world.now += 5_000  # suspended: neither heard nor asked
    world.run(30)
    world.bus = True
    world.run(200)
    assert world.told() == []


def page(over: bool = False, number: int = 0, *reasons: str) -> Page:
    return Page("id", "not_ready" if reasons else "bus", over, number, 0, reasons)


def test_a_page_is_a_notice_that_channels_can_render() -> None:
    person = Recipient(id="budi", name="budi", language="id")
    said = notice(page(False, 0, "x"), 5_000, 65_000, "boss", person, "en")
    (told,) = said.alerts
    assert (said.id, said.receiver, said.recipient, told.status) == ("id", "boss", person, "firing")
    assert told.event.message.startswith("Layanan alerting Pantau hidup")
    assert told.event.message.endswith("(x)")
    assert (told.event.severity, told.event.value, told.event.episode) == ("critical", 60.0, 5_000)


def test_the_end_is_of_the_same_alert() -> None:
    first, again, over = (
        notice(one, 5_000, 65_000, "boss", None, "en").alerts[0].event
        for one in (page(), page(number=1), page(over=True, number=2))
    )
    assert first.alert_id == over.alert_id
    assert [one.state for one in (first, again, over)] == ["firing", "firing", "resolved"]
    assert len({first.id, again.id, over.id}) == 3
