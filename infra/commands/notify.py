"""notify: who is told, how it would look, and whether it arrives."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from infra.commands.api_client import ApiError, Token, Url, api
from infra.commands.options import DEFAULT_DATA, Config, Data, err, fail, out, places
from infra.local import target
from shared import clock
from shared.messages.message import instant_from_text
from shared.promql.durations import duration_text
from shared.routing.matcher_text import parse_matchers
from shared.routing.on_call import Schedule, next_handover, on_call_at
from shared.routing.settings import NotificationsSettings
from shared.settings import BadSettings, CommonSettings, load

notify_app = typer.Typer(no_args_is_help=True, help="Who is told of alerts, and whether it arrives.")

HORIZON_MS = 366 * 86_400_000
LATEST_YEAR = 2200
At = Annotated[str | None, typer.Option("--at", help="RFC 3339, such as 2026-12-24T18:00+07:00; now, if absent.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
PASSES_ARGUMENTS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


class OnCallSource(CommonSettings):
    """What of the settings says who is on call."""

    notifications: NotificationsSettings = NotificationsSettings()


@notify_app.command("test")
def send_test(
    receiver: Annotated[str, typer.Argument(help="One of the configured receivers.")],
    direct: Annotated[
        bool, typer.Option("--direct", help="From here, without notifier, bus and api; nothing records it.")
    ] = False,
    as_json: AsJson = False,
    data: Data = DEFAULT_DATA,
    config: Config = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Send a test message to all that RECEIVER leads to. Exit code 1 if some of it did not arrive."""
    if direct:
        status, deliveries = _send_directly(receiver, data, config)
        if not deliveries:
            raise typer.Exit(status)
    else:
        try:
            with api(data, config, url, token, "operator") as client:
                answer = client.post(f"/api/monitoring/receivers/{quote(receiver, safe='')}/test", {})
        except ApiError as error:
            fail(f"{error}\n--direct sends it from here, without notifier, bus and api.")
        deliveries = answer["deliveries"] or [{"destination": receiver, "channel": "", **answer}]
    if as_json:
        print(json.dumps(deliveries, ensure_ascii=False))
    else:
        _show_deliveries(deliveries)
    if any(one["state"] != "sent" for one in deliveries):
        raise typer.Exit(1)


@notify_app.command()
def routes(
    labels: Annotated[
        str | None, typer.Option("--labels", help="Of an alert, such as 'alertname=x,severity=critical'.")
    ] = None,
    alert: Annotated[str | None, typer.Option("--alert", help="The id of an active alert.")] = None,
    at: At = None,
    as_json: AsJson = False,
    data: Data = DEFAULT_DATA,
    config: Config = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Say who would be told of an alert, when, and what would mute it."""
    if (labels is None) == (alert is None):
        fail("Give --labels or --alert.", 2)
    body: dict[str, Any] = {"alert": alert} if labels is None else {"labels": labels_of(labels)}
    if at is not None:
        body["at"] = _iso(_instant(at))
    try:
        with api(data, config, url, token, "viewer") as client:
            answer = client.post("/api/monitoring/notifications/preview", body)
    except ApiError as error:
        fail(str(error))
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    for mute in answer["muted_by"]:
        until = f" until {mute['until']}" if mute["until"] else ""
        reason = f": {mute['reason']}" if mute["reason"] else ""
        out.print(f"Muted by {mute['by']} ({mute['name']}){until}{reason}", style="yellow", markup=False)
    for route in answer["routes"]:
        _show_route(route)


@notify_app.command(context_settings=PASSES_ARGUMENTS_ON, add_help_option=False)
def preview(context: typer.Context, data: Data = DEFAULT_DATA, config: Config = None) -> None:
    """Show what a receiver's messages look like; `notify preview --help` says more."""
    raise typer.Exit(_run_module("services.notifier.preview", context.args, data, config).returncode)


@notify_app.command("on-call")
def on_call(
    at: At = None,
    as_json: AsJson = False,
    data: Data = DEFAULT_DATA,
    config: Config = None,
) -> None:
    """Say who is on call, and who takes over when."""
    now_ms = clock.now_ms() if at is None else _instant(at)
    try:
        settings = load(OnCallSource, target.environment(places(data), config)).notifications
    except BadSettings as error:
        fail(str(error), 2)
    found = [on_call_row(one, now_ms) for one in settings.schedules(settings.wording.zone).values()]
    if as_json:
        print(json.dumps(found))
    elif not found:
        err.print("There are no schedules: `notifications.on_call` in pantau.yaml makes them (docs/on-call.md).")
    else:
        table = Table("schedule", "on call", "until", "then", box=None, pad_edge=False)
        for row in found:
            table.add_row(*(escape(row[name] or "-") for name in ("schedule", "person", "until", "then")))
        out.print(table)


def on_call_row(schedule: Schedule, now_ms: int) -> dict[str, str | None]:
    """Who has the turn, until when by the schedule's clocks, and who then; None: nobody else within a year."""
    handover = next_handover(schedule, now_ms, now_ms + HORIZON_MS)
    return {
        "schedule": schedule.name,
        "person": on_call_at(schedule, now_ms),
        "until": None if handover is None else _local(handover[0], schedule.zone),
        "then": None if handover is None else handover[1],
    }


def labels_of(text: str) -> dict[str, str]:
    """The labels in `a=b,c=d`, with or without quotes and braces. Ends the command if it is anything else."""
    try:
        matchers = parse_matchers(text)
    except ValueError as error:
        fail(f"--labels: {error}", 2)
    if wrong := [one.name for one in matchers if one.operator != "="]:
        fail(f"--labels: an alert has labels, not patterns: write {wrong[0]}=VALUE.", 2)
    return {one.name: one.value for one in matchers}


def _send_directly(receiver: str, data: Path, config: Path | None) -> tuple[int, list[dict[str, Any]]]:
    done = _run_module("services.notifier.send_test", [receiver], data, config, stdout=subprocess.PIPE)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _run_module(
    module: str, arguments: list[str], data: Path, config: Path | None, stdout: int | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        environment = target.environment(places(data), config)
    except BadSettings as error:
        fail(str(error), 2)
    return subprocess.run([sys.executable, "-m", module, *arguments], env=environment, stdout=stdout, text=True)


def _show_deliveries(deliveries: list[dict[str, Any]]) -> None:
    table = Table("destination", "state", "took", "reason", box=None, pad_edge=False)
    for one in deliveries:
        took = "-" if one.get("latency_ms") is None else f"{one['latency_ms']:.0f} ms"
        table.add_row(escape(one["destination"]), one["state"], took, escape(one.get("reason") or ""))
    out.print(table)


def _show_route(route: dict[str, Any]) -> None:
    out.print(f"{route['route']} -> {route['receiver']}", style="bold", markup=False)
    if route["muted_by_time"]:
        until = f" until {route['muted_until']}" if route["muted_until"] else ""
        out.print(f"  tells nothing now: time interval {route['muted_by_time']}{until}", style="yellow", markup=False)
    for line in _told(route["told"]):
        out.print(f"  {line}", markup=False)
    wait, group, repeat = (
        duration_text(round(route[f"{name}_seconds"] * 1000))
        for name in ("group_wait", "group_interval", "repeat_interval")
    )
    out.print(f"  group {route['group_key']}: after {wait}, changes every {group}, again every {repeat}", markup=False)
    steps = [(f"not acknowledged after {_after(one)}", one) for one in route["escalation"]]
    if route["fallback"] is not None:
        steps.append((f"not delivered after {_after(route['fallback'])}", route["fallback"]))
    for when, step in steps:
        out.print(f"  {when}: {step['receiver']}", markup=False)
        for line in _told(step["told"]):
            out.print(f"    {line}", markup=False)


def _told(told: list[dict[str, Any]]) -> list[str]:
    lines = []
    for one in told:
        because = f" ({one['because']})" if one["because"] else ""
        quiet = f", not before {one['quiet_until']}: quiet hours" if one["quiet_until"] else ""
        lines.append(f"{one['channel']}{' to ' + one['to'] if one['to'] else ''}{because}{quiet}")
    return lines or ["leads to nobody"]


def _after(step: dict[str, Any]) -> str:
    return duration_text(round(step["after_seconds"] * 1000))


def _instant(text: str) -> int:
    try:
        found = instant_from_text(text)
    except ValueError:
        fail(f"--at: {text[:40]!r} is no RFC 3339 date and time, such as 2026-12-24T18:00+07:00.", 2)
    if not 0 <= found < _year_ms(LATEST_YEAR):
        fail(f"--at: is not between 1970 and {LATEST_YEAR}.", 2)
    return found


def _year_ms(year: int) -> int:
    return round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)


def _iso(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat()


def _local(instant_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, zone).isoformat(timespec="minutes")
