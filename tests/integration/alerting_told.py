"""What alerting told, and what the pure fold makes of the same inputs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import TypeAlias

import numpy as np
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.alerting.core.fold import Fold, fold_one
from services.alerting.core.inputs import decode
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent, CurrentAlert
from shared.messages.message import BadMessage
from shared.messages.samples import SampleBatch
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, ALERTING_INPUTS, SAMPLES, Topic
from tests.integration.alerting_load import THRESHOLD, Load, Watched
from tests.integration.alerting_oracle import Series, Taken, faults_on_arrival, faults_on_grid, series_in

Record: TypeAlias = ConsumerRecord[bytes, bytes]
MOST_TOLD = 20


class Log:
    """A topic, read further and further: each message once, by partition in its order."""

    def __init__(self, bootstrap: str, topic: Topic) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self._next: dict[TopicPartition, int] = {}
        self._consumer: AIOKafkaConsumer | None = None

    async def new(self) -> list[Record]:
        """What came since the last call, up to the end as of now; what could be read, if the bus goes away."""
        found: list[Record] = []
        try:
            consumer = await self._connected()
            places = [TopicPartition(self._topic.name, one) for one in range(self._topic.partitions)]
            begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
            for place in places:
                consumer.assign([place])
                self._next[place] = max(self._next.get(place, 0), begins[place])
                consumer.seek(place, self._next[place])
                while self._next[place] < ends[place]:
                    found += (await consumer.getmany(place, timeout_ms=500)).get(place, [])
                    self._next[place] = await consumer.position(place)
        except KafkaError:
            await self.close()
        return found

    async def close(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(KafkaError):
                await consumer.stop()

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer


class Told:
    """The events on the topic, each once. AssertionError when an id appears with another content."""

    def __init__(self, bootstrap: str) -> None:
        self._log = Log(bootstrap, ALERT_EVENTS)
        self._payloads: dict[str, bytes] = {}
        self.events: list[AlertEvent] = []
        """In the order of the topic."""
        self.repeated = 0
        """How often an event was there again, as after a crash."""

    async def read(self) -> None:
        """Take in what is new."""
        for record in await self._log.new():
            payload = record.value or b""
            event = AlertEvent.decode(payload)
            if event.id in self._payloads:
                assert self._payloads[event.id] == payload, (
                    f"one id, two contents:\n{self._payloads[event.id]!r}\n{payload!r}"
                )
                self.repeated += 1
                continue
            self._payloads[event.id] = payload
            self.events.append(event)

    def of(self, groups: Iterable[str]) -> list[AlertEvent]:
        """The events of these groups."""
        wanted = set(groups)
        return [event for event in self.events if event.group in wanted]

    async def close(self) -> None:
        """Disconnect."""
        await self._log.close()


async def everything(bootstrap: str, topic: Topic) -> list[Record]:
    """What the topic holds now, partition after partition."""
    log = Log(bootstrap, topic)
    try:
        return await log.new()
    finally:
        await log.close()


def fold_offline(inputs: Iterable[Record], terms: Terms) -> list[AlertEvent]:
    """What the pure fold makes of the inputs, each partition from its beginning."""
    folds: dict[int, Fold] = {}
    found: list[AlertEvent] = []
    for record in inputs:
        try:
            messages = decode(record.value or b"")
        except BadMessage:
            continue  # put aside by alerting, too
        fold = folds.setdefault(record.partition, Fold(terms))
        for message in messages:
            found += [event for outputs in fold_one(fold, message, record.timestamp) for event in outputs.events]
    return found


def by_alert(events: Iterable[AlertEvent]) -> dict[str, list[AlertEvent]]:
    """The events of each alert, in their order."""
    found: dict[str, list[AlertEvent]] = defaultdict(list)
    for event in events:
        found[event.alert_id].append(event)
    return dict(found)


def differences(expected: Sequence[AlertEvent], told: Sequence[AlertEvent]) -> list[str]:
    """What was lost, invented, told in another order or with another content, a line each."""
    wanted, had = by_alert(expected), by_alert(told)
    found: list[str] = []
    for alert in sorted(wanted.keys() | had.keys()):
        one, other = wanted.get(alert, []), had.get(alert, [])
        if [event.encode() for event in one] == [event.encode() for event in other]:
            continue
        ids, told_ids = [event.id for event in one], [event.id for event in other]
        found += [f"lost: {_words(event)}" for event in one if event.id not in told_ids]
        found += [f"invented: {_words(event)}" for event in other if event.id not in ids]
        if sorted(ids) == sorted(told_ids):
            kind = "another order" if ids != told_ids else "another content"
            found.append(f"{kind}: {[_words(event) for event in one]} told as {[_words(event) for event in other]}")
    return found


async def until_calm(told: Told, groups: Collection[str], load: Load) -> bool:
    """Whether all that was told of is over, and everybody has come to the time when the load was calm."""
    await told.read()
    active = {alert for alert, events in by_alert(told.of(groups)).items() if events[-1].state in ("pending", "firing")}
    return load.calm_since_ms > 0 and not active


def names(groups: Iterable[Watched]) -> list[str]:
    """The names of the groups."""
    return [one.group.name for one in groups]


async def faults(bootstrap: str, groups: Sequence[Watched], told: Told, load: Load) -> list[str]:
    """Where the events differ from what the samples on the bus demand; nothing where all is well."""
    taken = []
    for record in await everything(bootstrap, SAMPLES):
        with suppress(BadMessage):
            taken.append(Taken(record.timestamp, SampleBatch.decode(record.value or b"")))
    samples = series_in(taken, THRESHOLD, [key for one in groups for key in one.series])
    events = {(one[0].group, one[0].labels["host"]): one for one in by_alert(told.of(names(groups))).values()}
    found: list[str] = []
    for one in groups:
        for key in one.series:
            host = key.split('"')[1]
            of_alert = events.pop((one.group.name, host), [])
            found += [f"{key} ({one.group.name}): {fault}" for fault in _faults(one, samples[key], of_alert, load)]
    found += [f"invented: {_words(event)}" for others in events.values() for event in others]
    return found


def _faults(one: Watched, samples: Series, events: list[AlertEvent], load: Load) -> Iterable[str]:
    if one.group.interval_ms is None:
        return faults_on_arrival(samples, events)
    interval = one.group.interval_ms
    first, last = int(samples.times[0]), max([load.calm_since_ms, *(event.instant for event in events)])
    instants = np.arange(-(-first // interval) * interval, last + 1, interval, dtype=np.int64)
    return faults_on_grid(samples, events, instants, one.rule.for_ms)


async def still_active(bootstrap: str, groups: Iterable[str]) -> dict[str, CurrentAlert]:
    """The alerts of these groups that a late reader of the compacted topic finds active."""
    wanted, found = set(groups), dict[str, CurrentAlert]()
    for record in await everything(bootstrap, ALERT_STATE):
        key = (record.key or b"").decode()
        if record.value is None:
            found.pop(key, None)
        elif (alert := CurrentAlert.decode(record.value)).group in wanted:
            found[key] = alert
    return found


def shown(found: Sequence[str]) -> str:
    """The first of them, for an assertion."""
    return "\n".join([f"{len(found)} differences:", *found[:MOST_TOLD]])


def _words(event: AlertEvent) -> str:
    return (
        f"{event.rule}{event.labels} {event.previous_state}->{event.state} at {event.instant} (episode {event.episode})"
    )


async def inputs_of(bootstrap: str) -> list[Record]:
    """The logs of the rule groups as they are on the bus."""
    return await everything(bootstrap, ALERTING_INPUTS)
