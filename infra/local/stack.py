"""The whole stack of one data directory: bringing it up in order, looking at it, taking it down without a trace."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from infra.local import ports, readiness, scaling, starting
from infra.local.errors import LocalStackError
from infra.local.narration import Narrator
from infra.local.places import Places
from infra.local.processes import POLL_SECONDS, wait_until
from infra.local.record import Record
from infra.local.settings import Configuration
from infra.local.starting import Beside, Started
from infra.local.supervisor import UNREACHABLE, Control, ProgramState
from infra.local.survivors import end_survivors, forget, survivors

STOP_SECONDS = 75.0


def up(
    places: Places,
    configuration: Configuration,
    narrator: Narrator,
    alerting_workers: int | None = None,
    beside: Sequence[Beside] = (),
) -> Started:
    """Bring everything up, unless it is. `alerting_workers`, where they are said, go before the settings and are
    brought about in a running stack, too; programs `beside` are started before the services and stop with them.
    LocalStackError when it fails, after taking down what a start has started."""
    places.make()
    with _only_start(places):
        record = Record.read(places)
        if record and Control(places).answers():
            if alerting_workers is not None:
                record = scaling.scale(places, record, alerting_workers)
            return Started(record, already=True)
        if alerting_workers is not None:
            configuration = configuration.with_alerting_workers(alerting_workers)
        _recover(places, narrator)
        if conflicts := ports.conflicts(configuration.listeners()):
            raise LocalStackError("\n".join(conflicts))
        try:
            return starting.start(places, configuration, narrator, beside)
        except BaseException:  # also Ctrl-C: nothing half-started is left behind
            down(places)
            raise


def down(places: Places) -> bool:
    """Stop everything of this data directory, for certain; whether there was anything."""
    was_running = False
    try:
        control = Control(places)
        pid = control.pid()
        scaling.stop_all(control)
        control.shutdown()
        was_running = True
        _wait_for_end(control, pid, STOP_SECONDS)
    except UNREACHABLE:
        pass  # no supervisor; there may be processes that outlived one
    left = end_survivors(places)
    forget(places)
    return was_running or left > 0


def restart(places: Places, name: str) -> None:
    """Stop one program the way it asks for and start it. LocalStackError if there is none of that name."""
    control = Control(places)
    state = _program_state(control, name)
    control.stop(state)
    wait_until(
        lambda: _program_state(control, name).state in ("STOPPED", "EXITED", "FATAL"),
        STOP_SECONDS,
        late=lambda: f"{name} did not stop within {STOP_SECONDS:.0f} s; see {places.logs / f'{name}.log'}",
    )
    control.start(_program_state(control, name))
    record = Record.read(places)
    if record:
        wait_until(
            lambda: readiness.of_program(places, record, name) == {},
            readiness.READY_SECONDS,
            late=lambda: f"{name} is not ready: {readiness.words(readiness.of_program(places, record, name))}",
        )


@contextmanager
def _only_start(places: Places) -> Iterator[None]:
    """Two starts of one data directory at the same moment: the second waits, and then finds it running."""
    with (places.run / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _recover(places: Places, narrator: Narrator) -> None:
    """After a crash: end what outlived its supervisor, remove what would be in the way."""
    if survivors(places):
        narrator.say("The last run was not stopped cleanly: ending what is left of it")
        end_survivors(places)
    forget(places)


def _program_state(control: Control, name: str) -> ProgramState:
    programs = {program.name: program for program in control.programs()}
    if name not in programs:
        raise LocalStackError(f"There is no {name!r}; there are {', '.join(programs)}.")
    return programs[name]


def _wait_for_end(control: Control, pid: int, seconds: float) -> None:
    """Wait for the end of the supervisor. A question makes it look at its programs, as it else does once a second."""
    deadline = time.monotonic() + seconds
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            control.answers()
            time.sleep(POLL_SECONDS)
