"""Test scripts as commands."""

import re
from dataclasses import dataclass, field

from shared.promql.quoting import unquote
from tests.promqltest.notation import BadScript, Described, read_duration, read_number, read_series

_LOAD = re.compile(r"load(?:_(with_nhcb))?\s+(.+?)\s*$")
_INSTANT = re.compile(r"eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s+(.+)$", re.DOTALL)
_RANGE = re.compile(r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+?)\s+to\s+(.+?)\s+step\s+(\S+)\s+(.+)$", re.DOTALL)
_EXPECT = re.compile(r"expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(?:regex|msg):.*)?\s*$")
_EXPECT_STRING = re.compile(r"expect\s+string\s+(.+?)\s*$")
_EXPECT_RANGE = re.compile(r"expect\s+range\s+vector\s+from\s+(.+?)\s+to\s+(.+?)\s+step\s+(\S+)\s*$")
_START_TIMES = re.compile(r"\}?@st\s")


@dataclass(frozen=True)
class Clear:
    """Empty the storage."""


@dataclass(frozen=True)
class Load:
    """Add series, one value a step from time 0 on."""

    step_ms: int
    series: list[Described]
    converts: bool


@dataclass
class Eval:
    """A query and what is to come of it. `step_ms` 0: at the instant `start_ms`."""

    line: int
    expr: str
    start_ms: int
    end_ms: int
    step_ms: int = 0
    conditions: set[str] = field(default_factory=set)
    series: list[Described] = field(default_factory=list)
    scalar: float | None = None
    string: str | None = None
    range_times: tuple[int, int, int] | None = None
    """Start, end and step of the samples of an expected range vector."""


Command = Clear | Load | Eval


def read_script(text: str) -> list[Command]:
    """The commands of a script. BadScript, with the line, for what is none."""
    lines = text.splitlines()
    commands: list[Command] = []
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if not line or line.startswith("#"):
            at += 1
            continue
        body_end = _end_of_body(lines, at + 1)
        body = [one.strip() for one in lines[at + 1 : body_end] if not one.strip().startswith("#")]
        try:
            commands.append(_command(line, body, at + 1))
        except ValueError as error:
            raise BadScript(f"line {at + 1}: {error}") from error
        at = body_end
    return commands


def _end_of_body(lines: list[str], at: int) -> int:
    while at < len(lines) and lines[at].strip() and not re.match(r"(eval|load|clear)", lines[at]):
        at += 1
    return at


def _command(line: str, body: list[str], number: int) -> Command:
    if line == "clear":
        return Clear()
    if load := _LOAD.match(line):
        series = [read_series(one) for one in body if not _START_TIMES.search(one.split('"')[-1] + " ")]
        return Load(read_duration(load[2]), series, load[1] is not None)
    if instant := _INSTANT.match(line):
        at = read_duration(instant[2] or "0")
        command = Eval(number, instant[3].strip(), at, at)
        kind = instant[1]
    elif span := _RANGE.match(line):
        start, end, step = (read_duration(span[place]) for place in (2, 3, 4))
        command = Eval(number, span[5].strip(), start, end, step)
        kind = span[1]
    else:
        raise BadScript(f"{line!r} is no command")
    if kind:
        command.conditions.add(kind)
    for one in body:
        _expectation(command, one)
    return command


def _expectation(command: Eval, line: str) -> None:
    if condition := _EXPECT.match(line):
        command.conditions.add(condition[1])
    elif string := _EXPECT_STRING.match(line):
        command.string = unquote(string[1])
    elif span := _EXPECT_RANGE.match(line):
        command.range_times = (read_duration(span[1]), read_duration(span[2]), read_duration(span[3]))
    elif line.startswith("expected_fail"):
        command.conditions.add("fail")
    elif line.startswith("expect"):
        raise BadScript(f"unknown expectation {line!r}")
    else:
        _result(command, line)


def _result(command: Eval, line: str) -> None:
    try:
        command.scalar = read_number(line)
    except BadScript:
        command.series.append(read_series(line))
