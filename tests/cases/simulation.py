"""Alerting without a bus: batches and rules go in, the log of one partition is written as the router would, and folded;
what groups make comes back in the next step. The log can be folded again, elsewhere or in pieces."""

from collections.abc import Iterable

from services.alerting.core.fold import Fold, fold_one
from services.alerting.core.inputs import Filled, Input, Marker, Progress, RuleChange, Sign
from services.alerting.core.outputs import Outputs
from services.alerting.core.routing import Routes, group_reaches, is_sign_of_life
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.rules import RuleGroup
from shared.messages.samples import PackedBatch, Sample, SampleBatch
from shared.messages.series import key_of
from shared.rules.dependencies import wire
from shared.rules.files import GroupDraft

Log = list[tuple[Input, int]]
"""Messages, and when the bus accepted them."""


class Simulation:
    """A router and the owner of the one partition that there is. Times are ms; `now` is the broker's clock."""

    def __init__(self, terms: Terms | None = None, now_ms: int = 0) -> None:
        self.terms = terms or Terms()
        self.now_ms = now_ms
        self.log: Log = []
        self.events: list[AlertEvent] = []
        self.made: list[SampleBatch] = []
        """What groups made, as it went to the bus."""
        self.fold = Fold(self.terms)
        self.groups: dict[str, RuleGroup] = {}
        self.revision = 0
        self._revisions: dict[str, int] = {}
        self._offset = 0
        self._routes = Routes(1)
        self._signs: list[Sign] = []
        self._evaluated: dict[str, int] = {}
        self._waiting: list[SampleBatch] = []
        self._accepted: list[tuple[PackedBatch, int, int]] = []

    def define(self, drafts: Iterable[GroupDraft]) -> None:
        """These groups, and no others, are in force from now on."""
        wanted = {draft.name: draft for draft in drafts}
        changed = [name for name in self.groups if name not in wanted]
        for name in changed:
            self._revise(name)
            del self.groups[name]
        for name, draft in wanted.items():
            if name not in self.groups or not draft.same_as(self.groups[name]):
                self._revise(name)
                self.groups[name] = draft.group(self.revision, "case", self.now_ms)
                changed.append(name)
        self.tell_rules(changed)

    def put_group(self, group: RuleGroup | None, name: str) -> None:
        """One group comes, changes or goes."""
        self._revise(name)
        if group is None:
            self.groups.pop(name, None)
        else:
            self.groups[name] = group
        self.tell_rules([name])

    def _revise(self, name: str) -> None:
        self.revision += 1
        self._revisions[name] = self.revision

    def tell_rules(self, changed: Iterable[str]) -> None:
        """The router has learned of changes."""
        changed = list(changed)
        wirings = wire(self.groups, self._revisions)
        for name in dict.fromkeys([*changed, *self.groups]):
            group = self.groups.get(name)
            wiring = wirings.get(name)
            change = RuleChange(
                group=name,
                revision=self._revisions[name],
                accepted_ms=self.now_ms,
                definition=None if group is None else group.encode(),
                wired=self.revision,
                reads=list(wiring.reads) if wiring else [],
                is_read=wiring.is_read if wiring else False,
                cycle=list(wiring.cycle) if wiring else [],
            )
            reaches = {} if group is None or change.cycle else group_reaches(group, self.terms.lookback_ms)
            self._routes.put(name, reaches)
            self.put(change)
            if name in changed:
                for batch, offset, accepted_ms in self._accepted:
                    for _, samples in self._routes.split_for(batch, 0, offset, accepted_ms, [name], fill=True):
                        self.put(samples)

    def send(self, source: str, samples: Iterable[Sample]) -> None:
        """A batch is accepted."""
        self.accept(SampleBatch.of(source, samples))

    def accept(self, batch: SampleBatch, partition: int = 0) -> None:
        """A batch is accepted, and routed."""
        self._offset += 1
        if is_sign_of_life(batch.source) and len(batch):
            self.sign(batch.source, max(sample.time_ms for sample in batch.samples()))
        if batch.group is not None and batch.evaluated is not None:
            self._evaluated[batch.group] = batch.evaluated
        packed = PackedBatch.decode(batch.encode())
        self._accepted.append((packed, self._offset, self.now_ms))
        for _, samples in self._routes.split(packed, partition, self._offset, self.now_ms):
            self.put(samples)

    def sign(self, source: str, newest_ms: int) -> None:
        """A collector gives a sign of life."""
        self._signs.append(Sign(source, self.now_ms, newest_ms))

    def mark(self, watermark_ms: int | None = None) -> None:
        """What groups made comes back, then all that was accepted so far has been routed."""
        waiting, self._waiting = self._waiting, []
        for batch in waiting:
            self.accept(batch)
        signs, self._signs = self._signs, []
        evaluated, self._evaluated = self._evaluated, {}
        watermark = self.now_ms if watermark_ms is None else watermark_ms
        self.put(Marker(1, [Progress(0, watermark, self.revision, signs)], evaluated))

    def fill_from_history(self, group: str) -> None:
        """History has filled a group's windows."""
        self.put(Filled(group, self._revisions[group]))

    def put(self, message: Input) -> None:
        """A message is written to the log, and folded."""
        self.log.append((message, self.now_ms))
        for outputs in fold_one(self.fold, message, self.now_ms):
            self._take(outputs)

    def _take(self, outputs: Outputs) -> None:
        self.events += outputs.events
        for group, samples, evaluated in outputs.derived:
            rows = [Sample(key_of(dict(labels)), time, value) for labels, time, value in samples]
            batch = SampleBatch.of(f"alerting/{group}", rows, group, evaluated)
            self._waiting.append(batch)
            self.made.append(batch)


def fold_again(log: Log, terms: Terms | None = None) -> list[AlertEvent]:
    """The events of a log that was written elsewhere."""
    fold = Fold(terms or Terms())
    return [event for message, at in log for outputs in fold_one(fold, message, at) for event in outputs.events]
