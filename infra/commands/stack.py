"""up, down, status, logs, restart: the embedded stack."""

import signal
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import psutil
import typer
from rich.markup import escape
from rich.table import Table

from infra.commands.demo import DEMO_DATA, prepare_demo, simulator
from infra.commands.options import DEFAULT_DATA, Config, Data, err, fail, out, places
from infra.local import stack
from infra.local.errors import LocalStackError
from infra.local.narration import Narrator
from infra.local.places import Places
from infra.local.readiness import of_program, words
from infra.local.record import Record
from infra.local.scaling import workers_of
from infra.local.settings import MOST_WORKERS, SERVICES, chosen_file, configuration, service_of
from infra.local.starting import Beside, Started
from infra.local.supervisor import SERVERS, UNREACHABLE, Control, ProgramState
from infra.local.survivors import survivors
from infra.local.tail import Tail, last_lines_of
from infra.local.watching import Watch
from shared.messages.topics import ALERTING_INPUTS
from shared.settings import BadSettings

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.5
MB = 1024 * 1024


def up(
    data: Data = DEFAULT_DATA,
    config: Config = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it runs, and leave it running.")] = False,
    alerting_workers: Annotated[
        int | None,
        typer.Option(
            "--alerting-workers",
            metavar="N",
            min=1,
            max=MOST_WORKERS,
            help="Alerting programs that share the rule groups; may be changed while it runs.",
            show_default="local.alerting_workers, else 1",
        ),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="With a simulated internet provider to watch, and incidents in it; in a data directory of its own.",
        ),
    ] = False,
) -> None:
    """Run the whole product on this machine: Kafka, PostgreSQL, the six services, the browser application."""
    if demo and data == DEFAULT_DATA:
        data = DEMO_DATA
    where, narrator = places(data), Narrator(err)
    for number in ENDING:
        signal.signal(number, _interrupt)
    begun, beside = time.monotonic(), list[Beside]()
    try:
        demonstration = prepare_demo(where, config) if demo else None
        settings = demonstration.configuration if demonstration else configuration(chosen_file(config))
        if demonstration:
            beside.append(simulator(where, demonstration))
        started = stack.up(where, settings, narrator, alerting_workers, beside)
    except (LocalStackError, BadSettings) as error:
        narrator.close()
        fail(str(error))
    except OSError as error:
        narrator.close()
        fail(f"{where.data} can't be used: {error.strerror or error}. Choose another directory with --data.")
    except KeyboardInterrupt:
        narrator.close()
        fail("Interrupted: everything that was started has been stopped.", 130)
    narrator.close()
    _tell(started, where, time.monotonic() - begun)
    if demo:
        out.print(f"  simulator ./pantau logs simulator --follow --data {where.data}", markup=False)
    if not detach and not started.already:
        _stay(where, narrator)


def down(data: Data = DEFAULT_DATA) -> None:
    """Stop the stack; what it has stored stays."""
    where = places(data)
    if stack.down(where):
        err.print("Stopped.")
    else:
        err.print(f"Nothing runs in {where.data}.")


def status(data: Data = DEFAULT_DATA) -> None:
    """What runs, how long, and whether it is ready. Exits with 1 unless everything is."""
    where = places(data)
    programs, record = _programs(where), Record.read(where)
    if programs is None:
        left = survivors(where)
        if left:
            pids = ", ".join(str(process.pid) for process in left)
            fail(
                f"The stack in {where.data} has lost its supervisor; still there: processes {pids}. "
                "./pantau up recovers, ./pantau down ends them."
            )
        fail(f"Nothing runs in {where.data}.")
    table = Table("program", "state", "pid", "up", "memory", "ready", box=None, pad_edge=False)
    all_ready = True
    for program in sorted(programs, key=_place):
        ready = _readiness(where, program, record)
        all_ready = all_ready and ready == "yes"
        table.add_row(
            program.name,
            program.state.lower(),
            str(program.pid or ""),
            _duration(program.uptime_seconds) if program.pid else "",
            _memory(program.pid),
            escape(ready),
        )
    out.print(table)
    if record:
        out.print(f"\n{record.url}   Kafka {record.bootstrap}   logs {where.logs}", markup=False)
    raise typer.Exit(0 if all_ready else 1)


def logs(
    service: Annotated[str | None, typer.Argument(help="One program; all of them if none is named.")] = None,
    data: Data = DEFAULT_DATA,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
) -> None:
    """The last lines that programs have written."""
    where = places(data)
    files = {file.stem: file for file in sorted(where.logs.glob("*.log"))} if where.logs.is_dir() else {}
    if not files:
        fail(f"There are no logs in {where.logs}.")
    if service is not None and service not in files:
        fail(f"There is no log of {service!r}; there are {', '.join(files)}.")
    chosen = {service: files[service]} if service else files
    width = max(len(name) for name in chosen)
    tails = {name: Tail(file) for name, file in chosen.items()} if follow else {}
    for name, file in chosen.items():
        for line in last_lines_of(file, lines):
            _print_line(name, line, width, len(chosen) > 1)
    while follow:
        for name, tail in tails.items():
            for line in tail.lines():
                _print_line(name, line, width, len(chosen) > 1)
        try:
            time.sleep(LOOK_SECONDS / 2)
        except KeyboardInterrupt:
            return


def restart(
    service: Annotated[str, typer.Argument(help="A service, kafka or postgres.")], data: Data = DEFAULT_DATA
) -> None:
    """Stop one program cleanly, start it, and wait until it is ready."""
    try:
        stack.restart(places(data), service)
    except LocalStackError as error:
        fail(str(error))
    except UNREACHABLE:
        fail(f"Nothing runs in {places(data).data}; ./pantau up starts it.")
    err.print(f"{service} was restarted.")


def _tell(started: Started, where: Places, seconds: float) -> None:
    record = started.record
    if started.already:
        out.print(f"Pantau runs already: {record.url}   (Kafka {record.bootstrap}; ./pantau status)", markup=False)
        _tell_workers(record)
        return
    out.print(f"Pantau runs: {record.url}   ({seconds:.1f} s)", markup=False)
    out.print(f"  Kafka     {record.bootstrap}", markup=False)
    out.print(f"  data      {where.data}", markup=False)
    out.print(f"  logs      {where.logs}   (./pantau logs)", markup=False)
    if started.admin_password:
        out.print(
            f"  login     admin, password {started.admin_password}   (shown only now: write it down)", markup=False
        )
    _tell_workers(record)
    for name, why in started.not_ready.items():
        out.print(f"  {name} is not ready yet: {why}", markup=False)
    sys.stdout.flush()


def _tell_workers(record: Record) -> None:
    workers = workers_of(record)
    if len(workers) > 1:
        out.print(f"  alerting  {', '.join(workers)}", markup=False)
    if len(workers) > ALERTING_INPUTS.partitions:
        out.print(
            f"  Rule groups are in {ALERTING_INPUTS.partitions} shares, one worker each: the others stand by.",
            markup=False,
        )


def _stay(where: Places, narrator: Narrator) -> None:
    """Watch until somebody says stop, then stop."""
    narrator.say("Ctrl-C stops it.")
    control, lost = Control(where), False
    try:
        watch = Watch(where, control, narrator)
        while True:
            time.sleep(LOOK_SECONDS)
            watch.look()
    except KeyboardInterrupt:
        narrator.say("Stopping ...")
    except UNREACHABLE:
        # Taken down by `./pantau down`, or killed.
        lost = True
    left = len(survivors(where)) if lost else 0
    stack.down(where)
    if left:
        fail(f"The process supervisor died; the {left} processes that it had left were ended. ./pantau up recovers.")
    narrator.say("Stopped.")


def _interrupt(number: int, frame: Any) -> NoReturn:
    # Once is enough: what follows is the cleaning up, which is to be completed.
    for ending in ENDING:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def _programs(where: Places) -> list[ProgramState] | None:
    try:
        return Control(where).programs()
    except UNREACHABLE:
        return None


def _place(program: ProgramState) -> tuple[int, int, str]:
    """Servers first, then the services in the order in which people read them, further workers after the first, then
    what runs beside them."""
    service, beside = service_of(program.name), -1 if program.group == SERVERS else len(SERVICES)
    return SERVICES.index(service) if service in SERVICES else beside, len(program.name), program.name


def _readiness(where: Places, program: ProgramState, record: Record | None) -> str:
    if program.pid is None:
        return "no"
    if record is None:
        return "?"
    reasons = of_program(where, record, program.name)
    return words(reasons) if reasons else "yes"


def _memory(pid: int | None) -> str:
    """Resident memory of a process and its children, each shared page counted for each of them."""
    if pid is None:
        return ""
    try:
        process = psutil.Process(pid)
        total = sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])
    except psutil.Error:
        return "?"
    return f"{total // MB} MB"


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


def _print_line(name: str, line: str, width: int, named: bool) -> None:
    print(f"{name:<{width}} | {line}" if named else line, flush=True)


COMMANDS: tuple[Callable[..., None], ...] = (up, down, status, logs, restart)
