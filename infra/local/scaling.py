"""More or fewer alerting workers while the stack runs: only those that come and go are touched."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from infra.local import ports, readiness, supervisor
from infra.local.errors import LocalStackError
from infra.local.places import Places
from infra.local.processes import wait_until
from infra.local.record import Record
from infra.local.settings import ALERTING, configuration, further_workers, service_of
from infra.local.starting import program
from infra.local.supervisor import Control, ProgramState

STOPPED = ("STOPPED", "EXITED", "FATAL")
STOP_SECONDS = 30.0


def workers_of(record: Record) -> list[str]:
    """The alerting workers of a running stack, in their order."""
    found = (name for name in record.endpoints if service_of(name) == ALERTING)
    return sorted(found, key=lambda name: (len(name), name))


def scale(places: Places, record: Record, count: int) -> Record:
    """Have `count` alerting workers, all of them ready; the record as it is then. LocalStackError when a port is taken
    or one does not become ready. BadSettings when the settings that the stack was started with are no more."""
    control, wanted = Control(places), further_workers(count)
    now = [state.name for state in control.programs() if _comes_and_goes(state)]
    more = [name for name in wanted if name not in now]
    settings = configuration(Path(record.config) if record.config else None)
    if conflicts := ports.conflicts([settings.worker_listener(name) for name in more]):
        raise LocalStackError("\n".join(conflicts))
    _remove(places, control, [name for name in now if name not in wanted])
    for name in more:
        supervisor.write_worker(places, program(name, settings), autostart=True)
        control.add(name)
    endpoints = {name: url for name, url in record.endpoints.items() if name not in now}
    record = replace(record, endpoints=endpoints | {name: settings.endpoint(name).url for name in wanted})
    record.write(places)
    for name in wanted:
        wait_until(
            lambda name=name: readiness.missing(record.endpoints[name]) == {},  # type: ignore[misc]
            readiness.READY_SECONDS,
            late=lambda name=name: (  # type: ignore[misc]
                f"{name} is not ready: {readiness.words(readiness.missing(record.endpoints[name]))}"
            ),
        )
    return record


def stop_all(control: Control) -> None:
    """Begin to stop the workers beside the first, all at once: each is a group of its own to supervisor, which stops
    groups one after the other."""
    for state in control.programs():
        if _comes_and_goes(state):
            control.stop(state)


def _comes_and_goes(state: ProgramState) -> bool:
    return service_of(state.name) == ALERTING and state.name != ALERTING


def _remove(places: Places, control: Control, names: Sequence[str]) -> None:
    for state in control.programs():
        if state.name in names:
            control.stop(state)

    def ended() -> bool:
        return all(state.state in STOPPED for state in control.programs() if state.name in names)

    wait_until(ended, STOP_SECONDS, late=lambda: f"{', '.join(names)} did not stop within {STOP_SECONDS:.0f} s")
    for name in names:
        control.remove(name)
        supervisor.forget_worker(places, name)
