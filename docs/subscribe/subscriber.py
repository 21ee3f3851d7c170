"""Prints Pantau's active alerts, a JSON array on a line, whenever they change. Needs: pip install "aiokafka[lz4]"."""

import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer, TopicPartition

STATE, EVENTS = TopicPartition("pantau.alerts.state", 0), TopicPartition("pantau.alerts.events", 0)
SHOWN = ("alert_id", "rule", "state", "episode", "labels")
furthest, heard = {}, set()  # by alert: how far it is known, and as what; those of which an event was read


def take(partition, key, alert):
    if partition == STATE and alert is None:  # a tombstone, of the last episode or of one before it
        if key not in heard:  # otherwise an event says which one is over
            furthest.pop(key, None)
        return
    place = (alert["episode"], alert["last_transition" if partition == STATE else "transition"])
    if partition == EVENTS:
        heard.add(key)
    if key not in furthest or place >= furthest[key][0]:  # else it is old, or a double
        is_active = alert["state"] in ("pending", "firing") and not alert.get("shadow")
        furthest[key] = (place, {name: alert[name] for name in SHOWN} if is_active else None)


async def follow(bootstrap="127.0.0.1:19092"):
    consumer, shown = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest"), None
    await consumer.start()
    consumer.assign([STATE, EVENTS])
    ends = await consumer.end_offsets([STATE, EVENTS])
    while True:
        for partition, records in (await consumer.getmany(timeout_ms=200)).items():
            for record in records:
                try:
                    take(partition, record.key, None if record.value is None else json.loads(record.value))
                except (ValueError, KeyError, TypeError) as error:
                    sys.stderr.write(f"{record.topic}, offset {record.offset}, is passed over: {error!r}\n")
        active = [alert for _, (_, alert) in sorted(furthest.items()) if alert]
        if active != shown and all([await consumer.position(one) >= end for one, end in ends.items()]):
            print(json.dumps(shown := active), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:]))
