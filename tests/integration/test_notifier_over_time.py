"""What takes its time: a parent that goes down and comes back while alerts wait, and an alert that fires for longer
than the bus keeps what was said of it; with a notifier that ends meanwhile."""

import uuid
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent, State
from shared.messages.health import HealthRequest, HealthResult, Status
from shared.messages.notifications import Notification
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, HEALTH, HEALTH_REQUESTS, NOTIFICATIONS
from tests.conftest import eventually
from tests.integration.notifier_program import Notifier, ledger, publish
from tests.integration.programs import records
from tests.integration.webhook_receiver import Receiver, listening
from tests.unit.notifier.events import alert_event
from tests.unit.notifier.world import current_of

HOUR_MS = 3_600_000


class Site:
    """A router, a portal behind it, and two alerts about the portal."""

    def __init__(self, bootstrap: str, producer: Producer) -> None:
        self.bootstrap, self.producer = bootstrap, producer
        name = uuid.uuid4().hex[:8]
        self.router, self.portal = f"mikrotik:{name}", f"http:{name}"
        self.stays, self.passes = f"stays_{name}", f"passes_{name}"
        self.begun_ms = clock.now_ms()

    async def check(self, check: str, status: Status, checked_at: int) -> None:
        """The check has run."""
        parents = [self.router] if check == self.portal else []
        result = HealthResult(
            check=check,
            kind=check.partition(":")[0],
            status=status,
            response_time_ms=1.0,
            checked_at=checked_at,
            valid_until=checked_at + HOUR_MS,
            depends_on=parents,
        )
        await self.producer.send(Outgoing(HEALTH, check, result))

    async def say(self, rule: str, state: State, transition: int) -> AlertEvent:
        """An alert about the portal changes now."""
        labels = {"alertname": rule, "service": self.portal}
        event = alert_event(rule, transition, state, clock.now_ms(), self.begun_ms, labels=labels)
        await publish(self.producer, [event])
        return event

    async def is_asked(self) -> bool:
        """Whether somebody wants to know how the router is."""
        found = [HealthRequest.decode(one.value) for one in await records(self.bootstrap, HEALTH_REQUESTS) if one.value]
        return any(one.check == self.router and one.requested_by == "notifier" for one in found)

    async def held(self, alert: AlertEvent) -> list[Notification]:
        """The latest of each of the ledger's entries of what held an alert back."""
        found = [Notification.decode(one.value) for one in await records(self.bootstrap, NOTIFICATIONS) if one.value]
        latest = {one.id: one for one in found if one.alert_id == alert.alert_id and one.muted_by}
        return sorted(latest.values(), key=lambda one: one.alerts[0].muted_since or 0)


async def test_children_wait_for_the_parent_and_are_told_once_it_is_back(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    site = Site(topics, producer)
    for check in (site.router, site.portal):
        await site.check(check, "healthy", site.begun_ms - 60_000)
    async with listening(Receiver()) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)
        notifier.notifications["dependencies"] = {"wait": "10m", "grace": "1s"}
        notifier.notifications["suppressed_digest"] = {"every": "2s"}
        with notifier.doomed():
            await eventually(notifier.is_ready)
            stays = await site.say(site.stays, "firing", 2)
            passes = await site.say(site.passes, "firing", 2)
            await eventually(site.is_asked)
            await site.check(site.router, "unhealthy", clock.now_ms())

            async def is_muted() -> bool:
                held = [await site.held(one) for one in (stays, passes)]
                return all(f"dependency:{site.router}" in [one.muted_by[0] for one in found] for found in held)

            await eventually(is_muted)
        ended = await site.say(site.passes, "resolved", 3)
        with notifier.running():

            async def is_untold() -> bool:
                return bool([one for one in await site.held(ended) if one.untold])

            await eventually(is_untold)
            assert receiver.requests == []
            await site.check(site.router, "healthy", clock.now_ms())

            async def are_told() -> bool:
                return bool(receiver.states(site.stays) and receiver.states(site.passes))

            await eventually(are_told)
    assert (receiver.states(site.stays), receiver.states(site.passes)) == (["firing"], ["passed"])
    kinds = [one.muted_by[0].partition(":")[0] for one in await site.held(stays)]
    assert kinds == ["suspected", "dependency"]
    suspected, dependency = (one.alerts[0] for one in await site.held(stays))
    assert suspected.muted_until == dependency.muted_since
    assert dependency.muted_until is not None
    (digest,) = [one.body for one in receiver.requests if one.body["occasion"] == "digest"]
    assert [one["event_id"] for one in digest["alerts"]] == [ended.id]


async def test_an_alert_of_which_the_bus_has_no_event_any_more_is_repeated_and_ends(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    rule, begun_ms = f"old_{uuid.uuid4().hex[:8]}", clock.now_ms()
    labels = {"alertname": rule}
    fires = alert_event(rule, 2, "firing", begun_ms, begun_ms, labels=labels)
    async with listening(Receiver()) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)
        with notifier.running():
            await producer.send(Outgoing(ALERT_STATE, fires.alert_id, current_of(fires)))
            await publish(producer, [fires])

            async def is_sent() -> bool:
                found = await ledger(topics, fires, f"{notifier.receiver}/webhook/0")
                return bool(found) and found[-1].state == "sent"

            await eventually(is_sent)
        await forget(topics)
        notifier.notifications["route"] |= {"group_interval": "1s", "repeat_interval": "2s"}
        with notifier.running():

            async def is_repeated() -> bool:
                return len(receiver.states(rule)) > 1

            await eventually(is_repeated)
            await publish(producer, [alert_event(rule, 3, "resolved", clock.now_ms(), begun_ms, labels=labels)])

            async def is_over() -> bool:
                return receiver.states(rule)[-1] == "resolved"

            await eventually(is_over)
    why = [(one.body["occasion"], one.body["status"]) for one in receiver.requests]
    assert (why[0], why[-1]) == (("change", "firing"), ("change", "resolved"))
    assert set(why[1:-1]) == {("repeat", "firing")}


async def forget(bootstrap: str) -> None:
    """The bus lets go of all alert events, as it does after 30 days."""
    admin, consumer = AIOKafkaAdminClient(bootstrap_servers=bootstrap), AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await admin.start()
    await consumer.start()
    try:
        place = TopicPartition(ALERT_EVENTS.name, 0)
        end = (await consumer.end_offsets([place]))[place]
        await admin.delete_records({place: RecordsToDelete(before_offset=end)})
        assert (await consumer.beginning_offsets([place]))[place] == end
    finally:
        await consumer.stop()
        await admin.close()
