"""What statements cost, from pg_stat_statements.

The server forgets statements when it knows too many, so that a sum over all of them can fall, which readers would
take for a restart. What grew since the reading before is added up here instead.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from services.collector.core.postgres import metrics as m
from shared.messages.samples import Sample

Row = Mapping[str, Any]

LONGEST_TEXT = 200
# Only of these the server replaces the constants; what others say may be a password.
_WITHOUT_CONSTANTS = re.compile(r"(?:select|insert|update|delete|merge|with|values|table)\b", re.IGNORECASE)
_LEADING_COMMENTS = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)+", re.DOTALL)
_FIRST_WORD = re.compile(r"[a-zA-Z]+")


class Cost(NamedTuple):
    """What executions took."""

    calls: float = 0
    seconds: float = 0.0
    rows: float = 0

    def plus(self, other: "Cost") -> "Cost":
        """Both together."""
        return Cost(self.calls + other.calls, self.seconds + other.seconds, self.rows + other.rows)

    def since(self, before: "Cost | None") -> "Cost":
        """What was added since `before`; all of it if the server has forgotten that in between."""
        if before is None or self.calls < before.calls:
            return self
        return Cost(self.calls - before.calls, max(0.0, self.seconds - before.seconds), max(0, self.rows - before.rows))


Statement = tuple[str, int]
"""(database, query id)"""


class Executed:
    """What a server's statements cost since this began to look."""

    def __init__(self, server: str, slow_seconds: float, top: int) -> None:
        """`top`: how many statements are told one by one."""
        self._server, self._slow, self._top = server, slow_seconds, top
        self._before: dict[tuple[Any, ...], Cost] | None = None
        self._databases: dict[str, Cost] = {}
        self._statements: dict[Statement, Cost] = {}
        self._costliest: list[Statement] = []
        self._texts: dict[int, str] = {}

    def samples(self, time_ms: int, rows: Iterable[Row]) -> list[Sample]:
        """The rows of pg_stat_statements, taken in and told. What they hold the first time is where counting begins."""
        now = {
            (row["database"], row["queryid"], row["userid"], row["toplevel"]): Cost(
                row["calls"], row["seconds"], row["rows"]
            )
            for row in rows
        }
        first, before = self._before is None, self._before or {}
        grown: dict[Statement, Cost] = {}
        totals: dict[Statement, float] = {}
        for key, cost in now.items():
            statement = key[0], key[1]
            added = Cost() if first else cost.since(before.get(key))
            grown[statement] = grown.get(statement, Cost()).plus(added)
            totals[statement] = totals.get(statement, 0.0) + cost.seconds
        self._before = now
        # One that the server forgot is forgotten here, too: should it come again, it begins anew.
        self._statements = {one: self._statements.get(one, Cost()).plus(added) for one, added in grown.items()}
        self._costliest = sorted(totals, key=lambda one: (-totals[one], one))[: self._top]
        self._add_up(grown)
        told = []
        for database, cost in self._databases.items():
            labels = {"server": self._server, "database": database}
            told.append(m.QUERIES.sample(time_ms, cost.calls, **labels))
            told.append(m.QUERY_SECONDS.sample(time_ms, cost.seconds, **labels))
            if not first:
                told.append(m.SLOW_STATEMENTS.sample(time_ms, self._slow_in(database, grown), **labels))
        for statement in self._costliest:
            told += self._one(time_ms, statement, self._statements[statement])
        return told

    def _add_up(self, grown: Mapping[Statement, Cost]) -> None:
        databases = {database: self._databases.get(database, Cost()) for database, _ in grown}
        for (database, _), added in grown.items():
            databases[database] = databases[database].plus(added)
        self._databases = databases

    def _slow_in(self, database: str, grown: Mapping[Statement, Cost]) -> int:
        return sum(
            of == database and added.calls > 0 and added.seconds / added.calls >= self._slow
            for (of, _), added in grown.items()
        )

    def without_text(self) -> list[int]:
        """The ids of those whose texts are not known yet."""
        return sorted({query_id for _, query_id in self._costliest} - self._texts.keys())

    def learn(self, texts: Mapping[int, str]) -> None:
        """Know the texts of these ids from now on; those that are not told any more are forgotten."""
        told = {query_id for _, query_id in self._costliest}
        known = self._texts | {query_id: shown(text) for query_id, text in texts.items()}
        self._texts = {query_id: text for query_id, text in known.items() if query_id in told}

    def infos(self, time_ms: int) -> list[Sample]:
        """The texts of those that are told one by one."""
        return [
            m.STATEMENT_INFO.sample(
                time_ms, 1, server=self._server, database=database, query_id=str(query_id), query=self._texts[query_id]
            )
            for database, query_id in self._costliest
            if query_id in self._texts
        ]

    def _one(self, time_ms: int, statement: Statement, cost: Cost) -> list[Sample]:
        labels = {"server": self._server, "database": statement[0], "query_id": str(statement[1])}
        values: tuple[tuple[Callable[..., Sample], float], ...] = (
            (m.STATEMENT_CALLS.sample, cost.calls),
            (m.STATEMENT_SECONDS.sample, cost.seconds),
            (m.STATEMENT_ROWS.sample, cost.rows),
        )
        return [sample(time_ms, value, **labels) for sample, value in values]


def shown(text: str) -> str:
    """A statement's text as it may be shown: in one line, shortened; only its first word if it may hold constants."""
    comments = _LEADING_COMMENTS.match(text)
    begun = text[comments.end() :] if comments else text
    if not _WITHOUT_CONSTANTS.match(begun.lstrip("(")):
        word = _FIRST_WORD.match(begun)
        return word[0] if word else "?"
    line = " ".join(begun.split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
