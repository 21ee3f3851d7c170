"""query: PromQL over what history has stored."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from infra.commands.api_client import ApiError, Token, Url, api
from infra.commands.options import DEFAULT_DATA, Config, Data, err, fail, out
from shared.messages.message import instant_to_text
from shared.messages.series import NAME

ROLE = "viewer"


def query(
    expr: Annotated[str, typer.Argument(metavar="EXPR", help="PromQL.")],
    at: Annotated[str | None, typer.Option("--at", help="RFC 3339 or seconds since the epoch; now, if absent.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="The first step of a range.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="The last one.")] = None,
    step: Annotated[str, typer.Option("--step", help="Their distance: seconds, or a duration.")] = "1m",
    as_json: Annotated[bool, typer.Option("--json", help="The api's own answer.")] = False,
    data: Data = DEFAULT_DATA,
    config: Config = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Ask history in PromQL: at an instant, or with --start and --end at each step of a range."""
    if (start is None) != (end is None) or (at is not None and start is not None):
        fail("Give --at, or --start and --end, or neither.", 2)
    parameters = {"query": expr}
    if start is not None and end is not None:
        path = "/api/v1/query_range"
        parameters |= {"start": start, "end": end, "step": step}
    else:
        path = "/api/v1/query"
        parameters |= {} if at is None else {"time": at}
    try:
        with api(data, config, url, token, ROLE) as client:
            answer = client.get(path, parameters)
    except ApiError as error:
        fail(str(error))
    if as_json:
        print(json.dumps(answer))
        return
    for remark in (*answer.get("warnings", ()), *answer.get("infos", ())):
        err.print(remark, style="yellow", markup=False)
    _show(answer["data"])


def _show(data: dict[str, Any]) -> None:
    kind, result = data["resultType"], data["result"]
    if kind in ("scalar", "string"):
        out.print(result[1], markup=False)
    elif not result:
        err.print("No series.")
    elif kind == "vector":
        table = Table("series", "value", box=None, pad_edge=False)
        for one in result:
            table.add_row(escape(series_text(one["metric"])), one["value"][1])
        out.print(table)
    else:
        for one in result:
            out.print(series_text(one["metric"]), style="bold", markup=False)
            for seconds, value in one["values"]:
                out.print(f"  {instant_to_text(round(seconds * 1000))}  {value}", markup=False)


def series_text(metric: Mapping[str, str]) -> str:
    """The series as PromQL writes it; `{}` without any label."""
    inner = ", ".join(f"{name}={json.dumps(text, ensure_ascii=False)}" for name, text in sorted(metric.items())
                      if name != NAME)  # fmt: skip
    name = metric.get(NAME, "")
    return f"{name}{{{inner}}}" if inner or not name else name
