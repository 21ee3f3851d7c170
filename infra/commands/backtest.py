"""rules backtest: try rules on history before they are saved."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.commands.api_client import Api, ApiError, Token, Url, api
from infra.commands.options import DEFAULT_DATA, Config, Data, err, fail, out
from shared import clock
from shared.messages.message import instant_from_text, instant_to_text
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.rules.errors import BadRule
from shared.rules.files import parse_rule_file

PATH = "/api/monitoring/alerts/rules/backtest"
ROLE = "operator"
COLOURS = {"firing": "red", "pending": "yellow", "resolved": "green", "new": "red", "gone": "green"}
COUNTS = ("new", "gone", "merged", "split", "earlier", "later", "longer", "shorter", "unchanged")

Lines = dict[str, list[dict[str, Any]]]
"""What was told, by kind."""


def backtest(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A rule file.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Instead of a file: a group in force.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="RFC 3339, e.g. 2026-11-23T08:00:00+07:00.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="RFC 3339; now, if not given.")] = None,
    last: Annotated[str, typer.Option("--last", help="Without --start: so long before the end.")] = "24h",
    compare: Annotated[bool, typer.Option("--compare", help="With the groups in force of the same names.")] = False,
    against: Annotated[str | None, typer.Option("--against", help="Compare with this group in force.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many rows a table; 0: all.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="The api's own lines of JSON.")] = False,
    data: Data = DEFAULT_DATA,
    config: Config = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Run rules over stored history: which alerts there would have been, and which notifications. Nothing is saved.

    Exit code 1 if it can't be run to its end, or a rule failed.
    """
    body = _rules(file, name) | _range(start, end, last) | {"compare": compare}
    if against is not None:
        body["against"] = against
    told: Lines = {}
    try:
        with api(data, config, url, token, ROLE) as client:
            for kind, line in _asked(client, body, quiet=as_json):
                if as_json:
                    print(json.dumps({kind: line}), flush=True)
                told.setdefault(kind, []).append(line)
    except ApiError as error:
        fail(str(error))
    if "error" in told:
        fail(told["error"][0]["detail"])
    if "summary" not in told:
        fail("The answer broke off.")
    if not as_json:
        _show(told, limit)
    raise typer.Exit(1 if "failure" in told else 0)


def _rules(file: Path | None, name: str | None) -> dict[str, Any]:
    if (file is None) == (name is None):
        fail("Give a rule file, or the name of a group in force with --name.", 2)
    if file is None:
        return {"name": name}
    try:
        text = file.read_text(encoding="utf-8")
        parse_rule_file(text, str(file))  # its mistakes are told with the file's own name
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: can't be read: {error}")
    except BadRule as error:
        fail(str(error))
    return {"file": text}


def _range(start: str | None, end: str | None, last: str) -> dict[str, Any]:
    try:
        end_ms = clock.now_ms() if end is None else instant_from_text(end)
        start_ms = end_ms - parse_duration(last) if start is None else instant_from_text(start)
    except (ValueError, BadQuery) as error:
        fail(f"--start, --end or --last: {error}", 2)
    return {"start": instant_to_text(start_ms), "end": instant_to_text(end_ms)}


def _asked(client: Api, body: Mapping[str, Any], *, quiet: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answer's lines as (kind, what is told), with a bar while it is under way."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True, disable=quiet) as bar:
        task = bar.add_task("Reading history", total=None)
        for line in client.lines(PATH, body):
            for kind, told in line.items():
                if kind == "progress":
                    bar.update(task, description="Evaluating", completed=told["done"], total=told["of"] or 1)
                yield kind, told


def _show(told: Lines, limit: int) -> None:
    _table("transitions", told.get("transition", []), limit, _transition, "time (UTC)", "", "alert", "labels", "value")
    _table("notifications", told.get("notification", []), limit, _notification, "time (UTC)", "", "alert", "labels", "")
    _table("changes", [one for one in told.get("change", []) if one["kind"] != "unchanged"], limit, _change,
           "from (UTC)", "", "labels", "now", "then")  # fmt: skip
    for failure in told.get("failure", []):
        out.print(
            f"{failure['group']}/{failure['rule']} failed {failure['count']} times, first at "
            f"{_time(failure['first_instant'])}: {failure['reason']}",
            style="red",
            markup=False,
        )
    _summary(told["summary"][0])


def _table(title: str, lines: list[dict[str, Any]], limit: int, row: Any, *columns: str) -> None:
    if not lines:
        return
    table = Table(*columns, box=None, pad_edge=False, title=title.capitalize(), title_justify="left")
    shown = lines[:limit] if limit else lines
    for line in shown:
        table.add_row(*row(line))
    out.print(table)
    if len(shown) < len(lines):
        out.print(f"… and {len(lines) - len(shown)} more {title}: --limit 0 shows all", markup=False)
    out.print()


def _transition(line: dict[str, Any]) -> tuple[str, ...]:
    value = "" if line.get("value") is None else f"{line['value']:g}"
    return _time(line["instant"]), _word(line["state"]), escape(line["rule"]), _labels(line["labels"]), value


def _notification(line: dict[str, Any]) -> tuple[str, ...]:
    note = "after its cooldown" if line["deferred"] else ""
    return _time(line["at"]), _word(line["kind"]), escape(line["rule"]), _labels(line["labels"]), note


def _change(line: dict[str, Any]) -> tuple[str, ...]:
    current, changed = line.get("current"), line.get("changed")
    start = min(one["start"] for one in (current, changed) if one)
    labels = _labels(line["labels"], with_name=True)
    return _time(start), _word(line["kind"]), labels, _times(current), _times(changed)


def _times(firing: dict[str, Any] | None) -> str:
    if firing is None:
        return "–"
    return f"{_time(firing['start'])[11:]} to {_time(firing['end'])[11:] if firing.get('end') else 'the end'}"


def _summary(summary: dict[str, Any]) -> None:
    sent, states = summary["notifications"], summary["transitions"]
    took = timedelta(milliseconds=instant_from_text(summary["end"]) - instant_from_text(summary["start"]))
    out.print(
        f"{took} of history: {states['firing']} times an alert fired, {states['resolved']} times it was resolved; "
        f"{sent['firing'] + sent['resolved']} notifications ({sent['deferred']} deferred).",
        markup=False,
    )
    compared = summary.get("comparison")
    if compared is not None:
        before, after = compared["current_notifications"], compared["changed_notifications"]
        counts = (
            ", ".join(f"{compared[name]} {name}" for name in COUNTS if compared[name]) or "no alert fires in either"
        )
        out.print(f"Against the rules in force: {counts}.", markup=False)
        out.print(
            f"Notifications: {before['firing'] + before['resolved']} now, {after['firing'] + after['resolved']} then.",
            markup=False,
        )
    if summary["unknown_instants"]:
        out.print(f"{summary['unknown_instants']} instants without a sign of the collectors.", style="yellow")
    if not summary["complete"]:
        until = summary.get("history_until")
        out.print(f"History is not complete: {f'it reaches to {_time(until)}' if until else 'how far is not known'}.",
                  style="yellow", markup=False)  # fmt: skip
    out.print(
        f"{summary['evaluations']} evaluations over {summary['samples']} samples of {summary['series']} series, "
        f"{summary['seconds']:.1f} s.",
        style="dim",
        markup=False,
    )


def _labels(labels: Mapping[str, str], *, with_name: bool = False) -> str:
    shown = {name: value for name, value in sorted(labels.items()) if with_name or name != "alertname"}
    return escape(", ".join(f"{name}={value}" for name, value in shown.items()))


def _word(word: str) -> str:
    colour = COLOURS.get(word)
    return f"[{colour}]{word}[/]" if colour else word


def _time(text: str) -> str:
    return text[:19].replace("T", " ")
