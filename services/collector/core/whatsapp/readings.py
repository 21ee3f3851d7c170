"""What a gateway told, as samples."""

from shared.messages.samples import Sample
from shared.whatsapp import metrics as m
from shared.whatsapp.answers import RATINGS
from shared.whatsapp.told import Told


def samples(gateway: str, instance: str, time_ms: int, told: Told) -> list[Sample]:
    """Sessions as state sets, what the gateway is, its queue, its counters. `instance`: who counts those."""
    made = []
    if told.kind != "status":  # that says nothing of what it is
        about = {"kind": told.kind, "version": told.version, "engine": told.engine}
        made.append(m.INFO.sample(time_ms, 1, gateway=gateway, **about))
    for session in told.sessions:
        labels = {"gateway": gateway, "session": session.name}
        made.append(m.CONNECTED.sample(time_ms, session.connected, **labels))
        made += [
            m.SESSION_STATUS.sample(time_ms, state == session.state, status=state, **labels) for state in told.states
        ]
        if told.quality is not None:
            made += [m.QUALITY.sample(time_ms, rating == told.quality, rating=rating, **labels) for rating in RATINGS]
    if told.queue_size is not None:
        made.append(m.QUEUE_SIZE.sample(time_ms, told.queue_size, gateway=gateway))
    if told.oldest_seconds is not None:
        made.append(m.QUEUE_OLDEST.sample(time_ms, told.oldest_seconds, gateway=gateway))
    made += [
        m.MESSAGES.sample(time_ms, count, gateway=gateway, instance=instance, type=kind, status=status)
        for (kind, status), count in sorted(told.messages.items())
    ]
    return made
