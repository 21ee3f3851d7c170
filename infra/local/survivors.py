"""Processes of a stack whose supervisor is gone: found by what marks them as this data directory's, never by name."""

import os
from pathlib import Path

import psutil

from infra.local.places import Places
from infra.local.processes import end

# In the environment of everything that a stack starts; the value is its data directory. Not one of our settings.
MARK = "_PANTAU_STACK"
SECONDS_TO_END = 10.0


def marked_environment(places: Places) -> dict[str, str]:
    """What to add to the environment of a process so that it is known as this stack's."""
    return {MARK: str(places.data)}


def survivors(places: Places) -> list[psutil.Process]:
    """The running processes of this data directory, whoever started them."""
    ourselves = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in ourselves and _belongs(process, places)]


def end_survivors(places: Places) -> int:
    """End them: the services first, then the servers that they talk to. How many there were."""
    found = survivors(places)
    # The supervisor would start again whatever ends.
    supervisors = [process for process in found if _runs(process, "supervisor.supervisord")]
    for process in supervisors:
        _kill(process)
    servers = [process for process in found if _is_server(process)]
    end([process for process in found if process not in supervisors and process not in servers], SECONDS_TO_END)
    end(servers, SECONDS_TO_END)
    return len(found)


def forget(places: Places) -> None:
    """Remove what ended processes have left that would stop a new start. Only when there are no survivors."""
    # PostgreSQL refuses to start while its old pid is somebody else's, which in a container is likely.
    pid_files = (places.postgres / "postmaster.pid", places.run / "supervisor.pid")
    for stale in (*pid_files, places.supervisor_socket, places.record):
        stale.unlink(missing_ok=True)


def _belongs(process: psutil.Process, places: Places) -> bool:
    try:
        if process.environ().get(MARK) == str(places.data):
            return True
        # PostgreSQL writes its titles over its environment; its working directory is always its data directory.
        return _is_postgres(process) and Path(process.cwd()) == places.postgres
    except (psutil.Error, OSError):
        return False  # it ended meanwhile, or is another user's


def _is_server(process: psutil.Process) -> bool:
    try:
        return _is_postgres(process) or process.name() == "java"
    except psutil.Error:
        return False


def _is_postgres(process: psutil.Process) -> bool:
    return process.name() == "postgres"


def _runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline()
    except psutil.Error:
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
        process.wait(5)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        pass
