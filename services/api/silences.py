"""Makes, changes and ends silences and acknowledgements: on the bus, with an audit entry, before it answers."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from services.api.audit import Author, entry
from services.api.core.preconditions import NOTHING_SEEN, Seen
from services.api.core.silences import Silences, exact_matchers
from services.api.problems import Problem, invalid
from services.api.settings import SilenceSettings
from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.audit import AuditEntry
from shared.messages.message import LATEST_INSTANT_MS, content_id, instant_to_text
from shared.messages.silences import Matcher, Silence, Window
from shared.messages.topics import AUDIT, SILENCES

log = structlog.get_logger()

CHANGES = Counter("pantau_api_silence_changes_total", "Silences and acknowledgements that were changed", ["action"])
KNOWN = Gauge("pantau_api_known_silences", "Silences and acknowledgements that this api knows, the ended ones too")
SWEEP_SECONDS = 600.0
MOST_SWEPT = 1_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class ChangedMeanwhile(Exception):
    """Somebody else has changed it since it was seen; `silence` is what it is now."""

    def __init__(self, silence: Silence) -> None:
        super().__init__(silence.id)
        self.silence = silence


class SilenceDesk:
    """Takes what people want muted."""

    def __init__(self, producer: Producer, known: Silences, settings: SilenceSettings, deadline_seconds: float) -> None:
        self._producer, self.known, self._deadline_seconds = producer, known, deadline_seconds
        self.settings = settings
        # Changes go one after the other, so that none is made of what another has just replaced.
        self._turn = asyncio.Lock()
        KNOWN.set_function(lambda: len(known))

    async def create(
        self,
        author: Author,
        matchers: Sequence[Matcher],
        reason: str,
        start_ms: int | None,
        end_ms: int,
        windows: Sequence[Window] = (),
        created_by: str = "",
    ) -> Silence:
        """A new silence; `created_by` is shown instead of the author, whom the audit names. Problem 409 or 422;
        BusUnavailable."""
        now_ms = clock.now_ms()
        start_ms = max(start_ms or now_ms, now_ms)
        self._check_end(start_ms, end_ms, self.settings.longest_days * DAY_MS)
        silence = Silence(
            id=str(uuid.uuid4()),
            kind="silence",
            matchers=list(matchers),
            starts_at=start_ms,
            ends_at=end_ms,
            created_by=created_by or author.name,
            created_at=now_ms,
            comment=reason,
            windows=list(windows),
        )
        async with self._turn:
            await self._say("silence.create", author, None, silence)
        return silence

    async def replace(
        self,
        author: Author,
        id: str,
        matchers: Sequence[Matcher],
        reason: str,
        start_ms: int | None,
        end_ms: int,
        windows: Sequence[Window] = (),
        seen: Seen = NOTHING_SEEN,
    ) -> Silence:
        """Put another in the place of a silence that is not over. Problem 404, 409 or 422; ChangedMeanwhile;
        BusUnavailable."""
        async with self._turn:
            before, now_ms = self._one(id), clock.now_ms()
            _refuse_stale(before, seen)
            if before.kind != "silence":
                raise Problem(409, "That is an acknowledgement: acknowledge its alert again to change its end.")
            if before.ends_at <= now_ms:
                raise Problem(409, "That silence is over; make a new one.")
            start_ms = before.starts_at if before.starts_at <= now_ms else max(start_ms or now_ms, now_ms)
            self._check_end(max(start_ms, now_ms), end_ms, self.settings.longest_days * DAY_MS)
            after = before.model_copy(
                update={
                    "matchers": list(matchers),
                    "comment": reason,
                    "starts_at": start_ms,
                    "ends_at": end_ms,
                    "updated_at": now_ms,
                    "version": before.version + 1,
                    "windows": list(windows),
                }
            )
            await self._say("silence.update", author, before, after)
            return after

    async def expire(self, author: Author, id: str, seen: Seen = NOTHING_SEEN) -> Silence:
        """End one now; one that is over stays as it is. Problem 404; ChangedMeanwhile; BusUnavailable."""
        async with self._turn:
            before = self._one(id)
            if before.ends_at > clock.now_ms():
                _refuse_stale(before, seen)
            return await self._end(author, before)

    async def acknowledge(
        self,
        author: Author,
        alert: str,
        episode_ms: int,
        labels: dict[str, str],
        reason: str,
        end_ms: int | None,
        id: str | None = None,
    ) -> Silence:
        """Acknowledge an alert's episode; again: until another end. `id`: of an acknowledgement of its own, which is
        made only once. Problem 409 or 422; BusUnavailable."""
        now_ms = clock.now_ms()
        end_ms = now_ms + round(self.settings.acknowledgement_hours * HOUR_MS) if end_ms is None else end_ms
        self._check_end(now_ms, end_ms, self.settings.longest_acknowledgement_days * DAY_MS)
        named = content_id(SILENCES.name, "acknowledgement", alert, str(episode_ms)) if id is None else id
        async with self._turn:
            before = self.known.get(named)
            if before is not None and id is not None:
                raise Problem(409, "That has been used already.")
            goes_on = before is not None and before.ends_at > now_ms
            after = Silence(
                id=named,
                kind="acknowledgement",
                matchers=exact_matchers(labels),
                alert_id=alert,
                episode=episode_ms,
                starts_at=before.starts_at if before and goes_on else now_ms,
                ends_at=end_ms,
                created_by=author.name,
                created_at=before.created_at if before and goes_on else now_ms,
                updated_at=now_ms if before and goes_on else None,
                version=before.version + 1 if before else 1,
                comment=reason,
            )
            await self._say("alert.acknowledge", author, before, after)
        return after

    async def silence_once(self, author: Author, id: str, labels: dict[str, str], reason: str, end_ms: int) -> Silence:
        """A silence of exactly these labels with an id of its own, which is made only once. Problem 409 or 422."""
        now_ms = clock.now_ms()
        self._check_end(now_ms, end_ms, self.settings.longest_days * DAY_MS)
        silence = Silence(
            id=id,
            kind="silence",
            matchers=exact_matchers(labels),
            starts_at=now_ms,
            ends_at=end_ms,
            created_by=author.name,
            created_at=now_ms,
            comment=reason,
        )
        async with self._turn:
            if self.known.get(id) is not None:
                raise Problem(409, "That has been used already.")
            await self._say("silence.create", author, None, silence)
        return silence

    async def unacknowledge(self, author: Author, alert: str, episode_ms: int) -> list[Silence]:
        """End all acknowledgements of an episode; those that were in force. BusUnavailable."""
        async with self._turn:
            held = self.known.acknowledgements(alert, episode_ms, clock.now_ms())
            return [await self._end(author, one, "alert.unacknowledge") for one in held]

    async def run(self) -> None:
        """Forget what ended long ago, until cancelled. Several apis may: a tombstone twice is as good as once."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            over = self.known.over_since(clock.now_ms() - round(self.settings.kept_days * DAY_MS))[:MOST_SWEPT]
            try:
                async with self._turn:
                    said = await self._producer.send_all([Outgoing(SILENCES, id, None) for id in over])
            except BusUnavailable as error:
                log.warning("ended silences are forgotten later", reason=str(error), silences=len(over))
                continue
            for id, acknowledged in zip(over, said, strict=True):
                self.known.put(id, None, acknowledged.offset)

    async def _end(self, author: Author, before: Silence, action: str | None = None) -> Silence:
        now_ms = clock.now_ms()
        if before.ends_at <= now_ms:
            return before
        # One that has not begun ends where it begins.
        ends = {"starts_at": min(before.starts_at, now_ms), "ends_at": now_ms, "updated_at": now_ms}
        after = before.model_copy(update=ends | {"version": before.version + 1})
        named = action or ("silence.expire" if before.kind == "silence" else "alert.unacknowledge")
        await self._say(named, author, before, after)
        return after

    def _one(self, id: str) -> Silence:
        found = self.known.get(id)
        if found is None:
            raise Problem(404, f"There is no silence {id[:80]!r}, or it ended long ago.")
        return found

    def _check_end(self, start_ms: int, end_ms: int, longest_ms: float) -> None:
        if end_ms <= start_ms:
            raise invalid("body.ends_at", "lies before the start, or in the past")
        if end_ms - start_ms > longest_ms or end_ms > LATEST_INSTANT_MS:
            raise invalid(
                "body.ends_at", f"is later than allowed: at most {longest_ms / DAY_MS:g} days after the start"
            )

    async def _say(self, action: str, author: Author, before: Silence | None, after: Silence) -> None:
        now_ms = clock.now_ms()
        if before is None and self.known.unended(now_ms) >= self.settings.most:
            raise Problem(
                409, f"There are {self.settings.most} silences already: end some, or raise api.silences.most."
            )
        subject = f"silence/{after.id}"
        made: AuditEntry = entry(author, action, subject, now_ms, _shown(before), _shown(after))
        version = content_id(SILENCES.name, after.id, instant_to_text(now_ms), made.id)
        said = await self._producer.send_all(
            [
                Outgoing(SILENCES, after.id, after, version, now_ms),
                Outgoing(AUDIT, subject, made, made.id),
            ],
            self._deadline_seconds,
        )
        self.known.put(after.id, after, said[0].offset)
        CHANGES.labels(action).inc()
        log.info("silence changed", action=action, id=after.id, by=author.name)


def _refuse_stale(before: Silence, seen: Seen) -> None:
    if not seen.allows(before.version):
        raise ChangedMeanwhile(before)


def _shown(silence: Silence | None) -> dict[str, Any] | None:
    return None if silence is None else silence.model_dump(mode="json", exclude_none=True)
