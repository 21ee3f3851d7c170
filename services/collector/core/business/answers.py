"""A query's text as it is sent, and its rows as samples."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shared.messages.samples import Sample
from shared.metrics import Metric

Row = Mapping[str, Any]

LONGEST_LABEL = 128
# What only reads begins so. It is for saying early what the server would refuse anyway: the transaction can't write.
_READS = re.compile(r"(?:select|with|values|table)\b", re.IGNORECASE)
_COMMENTS = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)+", re.DOTALL)


class Wanted(NamedTuple):
    """A metric that a query answers."""

    metric: Metric
    value: str
    """The column with its value; those named as the metric's labels are its labels."""


class Answer(NamedTuple):
    """What a query's rows tell."""

    samples: list[Sample]
    problems: tuple[str, ...] = ()
    """For each row that tells nothing, the reason."""


def refusal(sql: str) -> str:
    """Why `sql` can't be a query; empty if nothing speaks against it."""
    comments = _COMMENTS.match(sql)
    begun = sql[comments.end() :] if comments else sql
    if not begun:
        return "it is empty"
    if not _READS.match(begun.lstrip("(")):
        return f"it begins with {begun.split()[0][:20]!r}: only a query that reads is executed (SELECT or WITH …)"
    return ""


def columns(wanted: Sequence[Wanted]) -> tuple[list[str], list[str]]:
    """(columns that are labels, columns that are values), each once."""
    labels = dict.fromkeys(label for one in wanted for label in one.metric.labels)
    return list(labels), list(dict.fromkeys(one.value for one in wanted))


def statement(sql: str, wanted: Sequence[Wanted], most_rows: int) -> str:
    """`sql` such that at most one row more than `most_rows` comes back, of each only what is wanted, labels shortened
    to one character more than they may have: whatever the query answers, the server sends no more."""
    labels, values = columns(wanted)
    chosen = [f"left({_quoted(one)}::text, {LONGEST_LABEL + 1}) AS label_{number}" for number, one in enumerate(labels)]
    chosen += [f"{_quoted(one)}::float8 AS value_{number}" for number, one in enumerate(values)]
    # On lines of its own, for it may end in a comment.
    return f"SELECT {', '.join(chosen)} FROM (\n{sql.rstrip().rstrip(';')}\n) AS answer LIMIT {most_rows + 1}"  # noqa: S608  # the operator's own


def samples(time_ms: int, rows: Sequence[Row], wanted: Sequence[Wanted]) -> Answer:
    """The samples of a `statement`'s rows. No value (NULL) is no sample, no label is an empty one."""
    labels, values = columns(wanted)
    told: list[Sample] = []
    problems: list[str] = []
    for row in rows:
        texts = {label: row[f"label_{number}"] or "" for number, label in enumerate(labels)}
        if any(len(text) > LONGEST_LABEL for text in texts.values()):
            problems.append("long_label")
            continue
        for one in wanted:
            value = row[f"value_{values.index(one.value)}"]
            if value is not None:
                told.append(one.metric.sample(time_ms, value, **{label: texts[label] for label in one.metric.labels}))
    return Answer(told, tuple(problems))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
