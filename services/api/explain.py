"""Why did a rule fire at an instant, or why not: history is read, the rule evaluated over it, beside the event loop."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

from services.api.core.explain_bodies import ExplainBody, ToldBody
from services.api.core.explain_choice import Chosen, NoSuchRule, Version, Versions, choose, groups_with, one_of
from services.api.core.explanations import explain_body
from services.api.settings import Settings
from shared import clock
from shared.database import Database
from shared.messages.message import BadMessage
from shared.messages.rules import RuleGroup
from shared.promql.limits import Limits
from shared.promql.matching import Matcher
from shared.promql.query import Options
from shared.rules.expansion import Outside
from shared.rules.explain import LONGEST_DARK, Explanation, Subject, conclude, look, silent
from shared.rules.explain_comparison import MOST_SHOWN
from shared.rules.explain_tree import Stock
from shared.rules.plan import plan_group
from shared.storage import Signs, complete_until, load, newest, signs, wants_of_group

SECONDS = Histogram(
    "pantau_api_explain_seconds",
    "Time that explanations of rules took",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
BUSY = Counter("pantau_api_explanations_refused_total", "Explanations that found no free place in time")
QUERY_SECONDS = 15.0
MOST_SILENT = 20

_THEN = """
SELECT document, (extract(epoch FROM accepted_at) * 1000)::bigint AS ms FROM rule_history
WHERE group_name = $1 AND accepted_at <= timestamptz 'epoch' + $2 * interval '1 millisecond' ORDER BY id DESC LIMIT 1
"""
_GROUPS_THEN = """
SELECT group_name FROM (
    SELECT DISTINCT ON (group_name) group_name, document FROM rule_history
    WHERE accepted_at <= timestamptz 'epoch' + $1 * interval '1 millisecond' ORDER BY group_name, id DESC
) AS latest WHERE document -> 'rules' @> $2 ORDER BY group_name LIMIT 11
"""
_TOLD = """
SELECT episode_id, alert_id, labels, shadow, (extract(epoch FROM created_at) * 1000)::bigint AS fired_ms,
    (extract(epoch FROM resolved_at) * 1000)::bigint AS resolved_ms, count(*) OVER () AS total
FROM alert_logs WHERE group_name = $1 AND alert_type = $2
AND created_at <= timestamptz 'epoch' + $3 * interval '1 millisecond'
AND (resolved_at IS NULL OR resolved_at > timestamptz 'epoch' + $3 * interval '1 millisecond')
ORDER BY created_at DESC, id DESC LIMIT $4
"""


class TooManyExplanations(Exception):
    """As many are under way as are allowed, and none ended in time."""


@dataclass(frozen=True)
class Asked:
    """A rule, an instant (ms), and what narrows it down."""

    rule: str
    at_ms: int
    group: str | None = None
    place: int | None = None
    version: Version | None = None
    about: tuple[Matcher, ...] = ()


class Explainer:
    """Explains rules, as many side by side as queries may be, within the limits of queries."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._free = asyncio.Semaphore(settings.api.query.at_once)

    async def explain(self, asked: Asked, groups: Mapping[str, RuleGroup]) -> ExplainBody:
        """The explanation; `groups` are those in force now.

        NoSuchRule, Ambiguous, BadQuery (the rule itself), QueryRefused, DatabaseUnavailable, TooManyExplanations.
        """
        seconds = self._settings.api.query.most_seconds
        async with self._place(seconds):
            with SECONDS.time():
                return await self._explain(asked, groups, clock.elapsed() + seconds)

    async def _explain(self, asked: Asked, groups: Mapping[str, RuleGroup], deadline: float) -> ExplainBody:
        chosen = await self._choose(asked, groups)
        outside = self._outside(deadline)
        subject = await self._subject(asked, chosen, outside)
        options = outside.options
        wants = wants_of_group(subject.group, subject.window_start_ms, subject.instant_ms, options)
        # First how far history is complete, then history: what is told is complete, is.
        complete_ms = await complete_until(self._database)
        source = await load(self._database, wants, options.limits)
        found: Explanation = await asyncio.to_thread(look, subject, source)
        stock = {
            one.selectors: Stock(*await newest(self._database, one.selectors, one.end_ms, options.limits))
            for one in silent(found)[:MOST_SILENT]
        }
        told, total = await self._told(chosen, subject.instant_ms)
        return explain_body(conclude(found, stock), chosen, complete_ms, told, total, groups.values())

    async def _choose(self, asked: Asked, groups: Mapping[str, RuleGroup]) -> Chosen:
        name = asked.group or one_of(asked.rule, groups_with(asked.rule, groups.values()))
        async with self._database.connection() as connection:
            if name is None:
                rows = await connection.fetch(_GROUPS_THEN, asked.at_ms, [{"name": asked.rule}], timeout=QUERY_SECONDS)
                name = one_of(asked.rule, [row["group_name"] for row in rows])
            if name is None:
                raise NoSuchRule(f"There is no rule {asked.rule!r}, now or at that instant.")
            row = await connection.fetchrow(_THEN, name, asked.at_ms, timeout=QUERY_SECONDS)
        then = _group(row["document"]) if row is not None else None
        versions = Versions(then, groups.get(name), row["ms"] if row is not None else None)
        return choose(asked.rule, asked.place, asked.version, versions)

    async def _subject(self, asked: Asked, chosen: Chosen, outside: Outside) -> Subject:
        alerting = self._settings.alerting
        # Its neighbours play no part: what they recorded is in history.
        alone = chosen.group.model_copy(update={"rules": [chosen.rule]})
        plan = plan_group(alone, round(alerting.evaluation_interval_seconds * 1000))
        dark_ms = round(alerting.dark_after_seconds * 1000)
        timers = plan.rules[0].timers
        reach = (timers.for_ms + timers.keep_firing_for_ms) * LONGEST_DARK + 2 * plan.interval_ms
        seen: Signs = await signs(self._database, asked.at_ms - reach - dark_ms, asked.at_ms)
        return Subject(
            plan,
            0,
            asked.at_ms,
            immediate=chosen.group.immediate,
            known=lambda instant: seen.known(instant, dark_ms),
            outside=outside,
            about=asked.about,
        )

    async def _told(self, chosen: Chosen, instant_ms: int) -> tuple[list[ToldBody], int]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                _TOLD, chosen.group.name, chosen.rule.name, instant_ms, MOST_SHOWN, timeout=QUERY_SECONDS
            )
        told = [
            ToldBody(
                id=row["episode_id"],
                alert_id=row["alert_id"],
                labels=row["labels"],
                fired_at=row["fired_ms"],
                resolved_at=row["resolved_ms"],
                shadow=row["shadow"],
            )
            for row in rows
        ]
        return told, rows[0]["total"] if rows else 0

    def _outside(self, deadline: float) -> Outside:
        most, external = self._settings.api.query, self._settings.external
        limits = Limits(
            samples=most.most_samples,
            series=most.most_series,
            cells=most.most_samples * 5,
            clock=clock.elapsed,
            deadline=deadline,
        )
        labels = tuple(sorted(external.labels.items()))
        return Outside(labels, external.url, Options(limits=limits))

    @asynccontextmanager
    async def _place(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            BUSY.inc()
            raise TooManyExplanations from None
        try:
            yield
        finally:
            self._free.release()


def _group(document: object) -> RuleGroup | None:
    """The group as history has it; None for a deletion, or for what today's program can't read."""
    if document is None:
        return None
    try:
        return RuleGroup.model_validate(document)
    except (BadMessage, ValueError):
        return None
