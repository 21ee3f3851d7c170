"""Whatever the order of reading, sending, recording, committing and dying: nothing lost, nothing repeated."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.core.ledger import DeliveryState, Ledger
from services.notifier.core.owing import Delivery, Lane, Owing, unanswered
from shared.messages.alerts import AlertEvent, State, event_id
from shared.messages.notifications import notification_id
from tests.unit.notifier.events import alert_event

RECEIVERS = ("ops", "log")
MARGIN_MS = 3

Step = Literal["read", "send", "send and die", "refuse", "commit", "die", "resend event"]


@dataclass
class World:
    """What survives a crash: the bus and the receivers. One tick of `now` passes with each thing that happens."""

    bus: list[tuple[int, AlertEvent]]
    records: list[tuple[int, str, DeliveryState]] = field(default_factory=list)
    committed: int = 0
    arrived: dict[Lane, list[AlertEvent]] = field(default_factory=lambda: defaultdict(list))
    now: int = 0

    def tick(self) -> int:
        self.now += 1
        return self.now

    def state(self, identity: str) -> DeliveryState | None:
        final = [state for _, one, state in self.records if one == identity and state in ("sent", "failed")]
        return final[0] if final else None


class Process:
    """A notifier, from its start to its death."""

    def __init__(self, world: World) -> None:
        self.world, self.ledger, self.owing = world, Ledger(most=6), Owing(RECEIVERS)
        self.owing.begin(0, world.committed)
        self.lanes: set[Lane] = set()
        self._note_since(world.now - 2 * MARGIN_MS)
        self._looked_back = False

    def _note_since(self, since: int) -> None:
        self.ledger.complete_since(since)
        for accepted, identity, state in self.world.records:
            if accepted >= since:
                self.ledger.note(identity, state, accepted)

    def _find(self, wanted: dict[str, int]) -> None:
        self.ledger.ask(wanted)
        for accepted, identity, state in self.world.records:
            if accepted >= min(wanted.values()):
                self.ledger.note_answer(identity, state, accepted)

    def read(self) -> None:
        offset = self.owing.next_offset(0) or 0
        if offset >= len(self.world.bus):
            return
        accepted, event = self.world.bus[offset]
        if not self._looked_back:
            self._note_since(accepted - 2 * MARGIN_MS)
            self._looked_back = True
        while wanted := unanswered([event], RECEIVERS, self.ledger, MARGIN_MS):
            self._find(wanted)
        for delivery in self.owing.take(0, offset, event, self.ledger):
            self.lanes.add(delivery.lane)
        self.ledger.dismiss_answers()

    def heads(self) -> list[Delivery]:
        """What can be sent now; what is not due is settled as the dispatcher does."""
        due = []
        for lane in sorted(self.lanes):
            while (head := self.owing.head(lane)) is not None and not self.owing.is_due(head):
                self.owing.settle(head, sent=False)
            if head is not None:
                due.append(head)
        return due

    def record(self, delivery: Delivery, state: DeliveryState) -> None:
        accepted = self.world.tick()
        self.world.records.append((accepted, delivery.id, state))
        self.ledger.note(delivery.id, state, accepted)

    def send(self, delivery: Delivery) -> None:
        assert self.world.state(delivery.id) is None, "sent again what was recorded"
        self.record(delivery, "unknown" if delivery.begun_before else "planned")
        self.world.arrived[delivery.lane].append(delivery.event)

    def deliver(self, delivery: Delivery, step: Step) -> bool:
        """Try to deliver; whether the process died of it."""
        if step != "refuse":
            self.send(delivery)
            if step == "send and die":
                return True
        self.record(delivery, "failed" if step == "refuse" else "sent")
        self.owing.settle(delivery, sent=step == "send")
        return False

    def commit(self) -> None:
        offset = self.owing.committable().get(0, 0)
        for _, event in self.world.bus[:offset]:
            for receiver in RECEIVERS:
                self._must_be_done(event, receiver)
        assert offset >= self.world.committed
        self.world.committed = offset

    def _must_be_done(self, event: AlertEvent, receiver: str) -> None:
        identity = notification_id(event.id, receiver)
        if event.state == "firing" or (event.state == "resolved" and announced(self.world, event, receiver)):
            assert self.world.state(identity) is not None, "committed past what is owed"


def announced(world: World, event: AlertEvent, receiver: str) -> bool:
    beginning = event_id(event.alert_id, event.episode, event.transition - 1)
    return world.state(notification_id(beginning, receiver)) == "sent"


def timeline(alerts: list[str]) -> World:
    """A bus on which each mention of an alert is its next transition: pending, firing, resolved, and anew."""
    world = World(bus=[])
    count: dict[str, int] = defaultdict(int)
    episode: dict[str, int] = {}
    states: tuple[State, ...] = ("pending", "firing", "resolved")
    for alert in alerts:
        now, turn = world.tick(), count[alert] % 3
        count[alert] += 1
        if turn == 0:
            episode[alert] = now
        world.bus.append((now, alert_event(alert, turn + 1, states[turn], now, episode[alert])))
    return world


steps = st.tuples(
    st.sampled_from(["read", "read", "send", "send", "send and die", "refuse", "commit", "die", "resend event"]),
    st.integers(0, 1_000),
)


@settings(max_examples=1_000, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=14), st.lists(steps, max_size=60))
def test_any_interleaving(alerts: list[str], todo: list[tuple[Step, int]]) -> None:
    world = timeline(alerts)
    process, deaths = Process(world), 0
    for step, chance in todo:
        world.tick()
        heads = process.heads()
        if step == "read":
            process.read()
        elif step == "commit":
            process.commit()
        elif step == "die":
            process = Process(world)
        elif step == "resend event":
            world.bus.append((world.tick(), world.bus[chance % len(world.bus)][1]))
        elif heads and process.deliver(heads[chance % len(heads)], step):
            process, deaths = Process(world), deaths + 1
    finish(process)
    assert world.committed == len(world.bus)
    check_receivers(world, deaths)


def finish(process: Process) -> None:
    """From here on everything works."""
    while (process.owing.next_offset(0) or 0) < len(process.world.bus) or process.heads():
        process.read()
        for delivery in process.heads():
            process.deliver(delivery, "send")
    process.commit()


def check_receivers(world: World, deaths: int) -> None:
    """All that was owed has arrived, in order, repeated at most once a death between sending and recording."""
    order: dict[str, int] = {}
    for number, (_, event) in enumerate(world.bus):
        order.setdefault(event.id, number)
    repeats = 0
    for (receiver, alert), events in world.arrived.items():
        firsts = list(dict.fromkeys(event.id for event in events))
        repeats += len(events) - len(firsts)
        assert firsts == sorted(firsts, key=order.__getitem__), f"out of order at {receiver}: {alert}"
        assert [event.id for event in events] == sorted((event.id for event in events), key=order.__getitem__)
    assert repeats <= deaths
    for _, event in world.bus:
        for receiver in RECEIVERS:
            has_it = event in world.arrived[(receiver, event.alert_id)]
            state = world.state(notification_id(event.id, receiver))
            if event.state == "firing":
                assert has_it if state == "sent" else state == "failed"
            elif event.state == "resolved" and not announced(world, event, receiver):
                assert not has_it
            elif event.state == "resolved":
                assert has_it if state == "sent" else state == "failed"
            else:
                assert not has_it
