"""Alerting without a bus: batches and rules go in, the log of one partition is written as the router would, and folded;
what groups make comes back in the next step. The log can be folded again, elsewhere or in pieces."""

from collections import Counter
from collections.abc import Iterable

from services.alerting.core import snapshots
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
    """A router of some partitions of samples, and the owner of the one partition of the log that there is. Times are
    ms; `now` is the broker's clock."""

    def __init__(self, terms: Terms | None = None, now_ms: int = 0, partitions: int = 1) -> None:
        self.terms = terms or Terms()
        self.now_ms = now_ms
        self.log: Log = []
        self.events: list[AlertEvent] = []
        self.made: list[SampleBatch] = []
        """What groups made, as it went to the bus."""
        self.refused: Counter[str] = Counter()
        """Samples that don't count, by reason."""
        self.too_late: Counter[str] = Counter()
        """Those that came too late, by source."""
        self.passed_over = 0
        """Instants that were not evaluated, for their samples had to be let go."""
        self.fold = Fold(self.terms)
        self.groups: dict[str, RuleGroup] = {}
        self.revision = 0
        self._revisions: dict[str, int] = {}
        self.from_history: set[str] = set()
        """Groups that look back beyond what the bus holds: they wait for `fill_from_history`."""
        self._offset = 0
        self._routes = Routes(1)
        self._signs: dict[int, list[Sign]] = {partition: [] for partition in range(partitions)}
        self._held: dict[int, list[tuple[SampleBatch, int]]] = {}
        """By partition that is not routed meanwhile, what was accepted."""
        self._evaluated: dict[str, int] = {}
        self._waiting: list[SampleBatch] = []
        self._accepted: list[tuple[PackedBatch, int, int, int]] = []
        self._manifest: snapshots.Manifest | None = None
        self._chunks: dict[str, bytes] = {}
        self._cyclic: set[str] = set()
        """The groups that are refused because they close a cycle."""

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
                from_history=name in self.from_history,
            )
            reaches = {} if group is None or change.cycle else group_reaches(group, self.terms.lookback_ms)
            self._routes.put(name, reaches)
            self.put(change)
            if name in changed or (name in self._cyclic and not change.cycle):
                for batch, partition, offset, accepted_ms in self._accepted:
                    for _, samples in self._routes.split_for(batch, partition, offset, accepted_ms, [name], fill=True):
                        self.put(samples)
        self._cyclic = {name for name, wiring in wirings.items() if wiring.cycle}

    def send(self, source: str, samples: Iterable[Sample]) -> None:
        """A batch is accepted."""
        self.accept(SampleBatch.of(source, samples))

    def accept(self, batch: SampleBatch, partition: int = 0) -> None:
        """A batch is accepted, and routed unless its partition is held."""
        if partition in self._held:
            self._held[partition].append((batch, self.now_ms))
        else:
            self._route(batch, partition, self.now_ms)

    def hold(self, partition: int) -> None:
        """The partition is not routed until it is released."""
        self._held.setdefault(partition, [])

    def release(self, partition: int) -> None:
        """What was accepted meanwhile is routed."""
        for batch, accepted_ms in self._held.pop(partition, []):
            self._route(batch, partition, accepted_ms)

    def _route(self, batch: SampleBatch, partition: int, accepted_ms: int) -> None:
        self._offset += 1
        if is_sign_of_life(batch.source) and len(batch):
            newest = max(sample.time_ms for sample in batch.samples())
            self._signs.setdefault(partition, []).append(Sign(batch.source, accepted_ms, newest))
        if batch.group is not None and batch.evaluated is not None:
            self._evaluated[batch.group] = batch.evaluated
        packed = PackedBatch.decode(batch.encode())
        self._accepted.append((packed, partition, self._offset, accepted_ms))
        for _, samples in self._routes.split(packed, partition, self._offset, accepted_ms):
            self.put(samples)

    def sign(self, source: str, newest_ms: int) -> None:
        """A collector gives a sign of life."""
        self._signs[0].append(Sign(source, self.now_ms, newest_ms))

    def mark(self, watermark_ms: int | None = None, *, behind: bool = False) -> None:
        """What groups made comes back, then all that was accepted in partitions that are not held has been routed;
        it does not yet come back where the router is `behind`, for it was accepted after all that waits there."""
        if not behind:
            waiting, self._waiting = self._waiting, []
            for batch in waiting:
                self.accept(batch)
        evaluated, self._evaluated = self._evaluated, {}
        watermark = self.now_ms if watermark_ms is None else watermark_ms
        progress = []
        for partition, signs in self._signs.items():
            if partition not in self._held:
                progress.append(Progress(partition, watermark, self.revision, list(signs)))
                signs.clear()
        self.put(Marker(len(self._signs), progress, evaluated))

    def fill_from_history(self, group: str) -> None:
        """History has filled a group's windows."""
        self.put(Filled(group, self._revisions[group]))

    def restart(self) -> None:
        """The owner stops, and another takes up what it stored."""
        taken = snapshots.take(self.fold, 0, self._manifest, f"at {len(self.log)}", self._chunks.get)
        self._chunks |= taken.chunks
        self._manifest = snapshots.decode_manifest(snapshots.encode_manifest(taken.manifest))
        self._chunks = {key: self._chunks[key] for key in self._manifest.keys}
        self.fold = snapshots.restore(self.terms, self._manifest, self._chunks)

    def put(self, message: Input) -> None:
        """A message is written to the log, and folded."""
        self.log.append((message, self.now_ms))
        for outputs in fold_one(self.fold, message, self.now_ms):
            self._take(outputs)

    def _take(self, outputs: Outputs) -> None:
        self.events += outputs.events
        self.refused += outputs.refused
        self.passed_over += outputs.passed_over
        self.too_late += outputs.too_late
        for group, samples, evaluated in outputs.derived:
            rows = [Sample(key_of(dict(labels)), time, value) for labels, time, value in samples]
            batch = SampleBatch.of(f"alerting/{group}", rows, group, evaluated)
            self._waiting.append(batch)
            self.made.append(batch)


def fold_again(log: Log, terms: Terms | None = None) -> list[AlertEvent]:
    """The events of a log that was written elsewhere."""
    fold = Fold(terms or Terms())
    return [event for message, at in log for outputs in fold_one(fold, message, at) for event in outputs.events]
