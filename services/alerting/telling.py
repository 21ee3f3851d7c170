"""What comes of folding, sent: events, then the alerts as they stand, then what groups made."""

from collections.abc import Iterator, Sequence

import structlog

from services.alerting import metrics
from services.alerting.core.outputs import Derived, Failure, Outputs
from services.alerting.core.routing import source_of
from services.alerting.sending import until_sent
from shared.bus import Outgoing, Producer
from shared.messages.message import content_id
from shared.messages.samples import MOST_SAMPLES, Sample, SampleBatch
from shared.messages.series import key_of
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, SAMPLES

log = structlog.get_logger()

MOST_TOLD_ERRORS = 10_000


class Teller:
    """Sends until it is acknowledged; counts; says once what can't be evaluated."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._told: set[Failure] = set()

    async def tell(self, produced: Sequence[Outputs]) -> None:
        """Send all that these hold, in order."""
        events = [
            Outgoing(ALERT_EVENTS, event.alert_id, event, event.id, event.instant)
            for outputs in produced
            for event in outputs.events
        ]
        rest = [Outgoing(ALERT_STATE, key, alert) for outputs in produced for key, alert in outputs.current]
        rest += [batch for outputs in produced for derived in outputs.derived for batch in _batches(derived)]
        if events:
            await until_sent(lambda: self._producer.send_all(events))
        if rest:
            await until_sent(lambda: self._producer.send_all(rest))
        for outputs in produced:
            metrics.count(outputs)
            for failure in outputs.failures:
                self._say(failure)

    def _say(self, failure: Failure) -> None:
        if failure in self._told:
            return
        if len(self._told) >= MOST_TOLD_ERRORS:
            self._told.clear()
        self._told.add(failure)
        log.warning("rule can't be evaluated", group=failure.group, rule=failure.rule, reason=failure.reason)


def _batches(derived: Derived) -> Iterator[Outgoing]:
    """At most so many samples a batch; only the last one says how far the group has come."""
    group, samples, evaluated = derived
    source = source_of(group)
    for start in range(0, max(len(samples), 1), MOST_SAMPLES):
        piece = samples[start : start + MOST_SAMPLES]
        last = start + MOST_SAMPLES >= len(samples)
        rows = [Sample(key_of(dict(labels)), time, value) for labels, time, value in piece]
        batch = SampleBatch.of(source, rows, group, evaluated if last else None)
        yield Outgoing(SAMPLES, source, batch, content_id(source, batch.encode()))
