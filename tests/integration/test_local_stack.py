"""`./pantau up` and its companions, as a person uses them, on ports and in a directory of the test's own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import yaml

from infra.local import ports
from infra.local.places import Places
from infra.local.processes import wait_until
from infra.local.supervisor import Control, ProgramState
from infra.local.survivors import survivors
from tests.conftest import clean_environment, two_ports_in_a_row

SECONDS = 300  # the first start on a machine downloads Kafka and builds the browser application
PROGRAMS = ["kafka", "postgres", "collector", "health", "alerting", "history", "notifier", "api"]

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


class Local:
    """The command line on one data directory."""

    def __init__(self, directory: Path) -> None:
        self.places = Places.at(directory / "data")
        self.config = directory / "pantau.yaml"
        kafka, postgres, api, exporter, *admin = ports.free(9)
        services = dict(zip(PROGRAMS[2:7], admin, strict=True))
        self.ports = {"local.kafka_port": kafka, "local.postgres_port": postgres, "api.port": api}
        settings: dict[str, dict[str, object]] = {
            "local": {
                "kafka_port": kafka,
                "postgres_port": postgres,
                "kafka_heap_mb": 256,
                "alerting_worker_port": two_ports_in_a_row(),
            },
            "api": {"port": api},
            **{name: {"admin": {"port": port}} for name, port in services.items()},
        }
        settings["collector"]["exporter"] = {"port": exporter}
        self.config.write_text(yaml.safe_dump(settings))

    def command(self, *arguments: str, data: Path | None = None) -> list[str]:
        return [sys.executable, "-m", "infra.cli", *arguments, "--data", str(data or self.places.data)]

    def run(self, *arguments: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = self.command(*arguments, data=data)
        return subprocess.run(command, capture_output=True, text=True, env=clean_environment(), timeout=SECONDS)

    def up(self, *more: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--detach", "--config", str(self.config), *more, data=data)

    def program(self, name: str) -> ProgramState:
        return next(one for one in Control(self.places).programs() if one.name == name)

    def dsn(self) -> str:
        return self.places.dsn_file.read_text()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A data directory and settings; whatever a test leaves running is ended."""
    made = Local(tmp_path_factory.mktemp("local"))
    yield made
    made.run("down")


@pytest.fixture
def running(local: Local) -> Local:
    """The stack, running."""
    done = local.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return local


@pytest.fixture(scope="module")
def first_start(local: Local) -> str:
    """What the very first start told."""
    done = local.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_start_tells_where_everything_is_and_the_login_once(first_start: str, local: Local) -> None:
    assert f"http://127.0.0.1:{local.ports['api.port']}" in first_start
    assert f"127.0.0.1:{local.ports['local.kafka_port']}" in first_start
    found = re.search(r"admin, password (\S+)", first_start)
    assert found
    told_again = local.up().stdout
    assert "runs already" in told_again
    assert f"http://127.0.0.1:{local.ports['api.port']}" in told_again
    assert "password" not in told_again
    for log in local.places.logs.glob("*.log"):
        assert found[1] not in log.read_text(errors="replace")


def test_status_shows_every_program_ready(running: Local) -> None:
    done = running.run("status")
    assert done.returncode == 0, done.stdout
    rows = [line.split() for line in done.stdout.splitlines()[1:] if line]
    assert sorted(row[0] for row in rows[: len(PROGRAMS)]) == sorted(PROGRAMS)
    assert all((row[1], row[-1]) == ("running", "yes") for row in rows[: len(PROGRAMS)])


def test_the_databases_password_is_in_one_private_file_only(running: Local) -> None:
    password = running.dsn().split(":")[2].split("@")[0]
    assert running.places.dsn_file.stat().st_mode & 0o077 == 0
    for process in survivors(running.places):
        assert password not in " ".join(process.cmdline())
        if process.name() != "postgres":  # it writes its titles over its environment
            assert password not in "".join(process.environ().values())


def test_a_port_in_use_is_told_with_its_setting(running: Local, tmp_path: Path) -> None:
    done = running.up(data=tmp_path / "second")
    assert done.returncode == 1
    for setting, port in running.ports.items():
        assert re.search(rf"^Port {port} is in use by .*{re.escape(setting)}", done.stderr, re.MULTILINE)
    assert survivors(Places.at(tmp_path / "second")) == []


@pytest.mark.parametrize("victim", ["health", "kafka", "postgres"])
def test_what_dies_is_started_again(running: Local, victim: str) -> None:
    old = running.program(victim).pid
    assert old is not None
    os.kill(old, signal.SIGKILL)
    wait_until(
        lambda: running.program(victim).state == "RUNNING" and running.program(victim).pid != old,
        60,
        late=lambda: f"{victim} was not started again: {running.program(victim)}",
    )
    wait_until(lambda: running.run("status").returncode == 0, 120, late=lambda: running.run("status").stdout)


def test_restart_gives_a_new_process_that_is_ready(running: Local) -> None:
    old = running.program("notifier").pid
    done = running.run("restart", "notifier")
    assert done.returncode == 0, done.stderr
    assert running.program("notifier").pid != old
    assert "There is no 'nobody'; there are" in running.run("restart", "nobody").stderr


def test_alerting_workers_come_and_go_and_the_others_stay(running: Local) -> None:
    pids: dict[str, int | None] = {"alerting": running.program("alerting").pid}
    for count, names in ((2, ["alerting", "alerting-2"]), (3, ["alerting", "alerting-2", "alerting-3"])):
        done = running.up("--alerting-workers", str(count))
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"alerting  {', '.join(names)}\n" in done.stdout
        assert alerting_workers(running) == [(name, "running", "yes") for name in names]
        assert all(running.program(name).pid == pid for name, pid in pids.items())
        pids = {name: running.program(name).pid for name in names}
    assert running.run("restart", "alerting-3").returncode == 0
    assert "partitions assigned" in running.run("logs", "alerting-3").stdout
    done = running.up("--alerting-workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one.name for one in Control(running.places).programs() if "alerting" in one.name] == ["alerting"]
    assert running.program("alerting").pid == pids["alerting"]
    assert alerting_workers(running) == [("alerting", "running", "yes")]


def alerting_workers(running: Local) -> list[tuple[str, str, str]]:
    """Name, state and readiness of each, as `status` shows them once all are ready: who comes or goes makes all share
    the partitions anew for a moment."""
    deadline = time.monotonic() + 60
    while True:
        lines = running.run("status").stdout.splitlines()
        rows = [line.split() for line in lines if line.startswith("alerting")]
        if all(row[-1] == "yes" for row in rows) or time.monotonic() > deadline:
            return [(row[0], row[1], row[-1]) for row in rows]
        time.sleep(0.5)


def test_logs_are_shown_by_program(running: Local) -> None:
    assert "database system is ready" in running.run("logs", "postgres").stdout
    assert {line.split(" | ")[0].strip() for line in running.run("logs").stdout.splitlines()} >= {"kafka", "api"}
    assert "There is no log of 'nobody'" in running.run("logs", "nobody").stderr


def crash(running: Local, who: str) -> list[psutil.Process]:
    """SIGKILL to the supervisor, or to everything, after a row of `who` has been stored; what is left then."""
    with psycopg.connect(running.dsn()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (who text)")
        connection.execute("INSERT INTO kept VALUES (%s)", (who,))
    pid = Control(running.places).pid()
    victims = [psutil.Process(pid)] if who == "the supervisor" else survivors(running.places)
    for victim in victims:
        victim.kill()
    psutil.wait_procs(victims, timeout=30)
    status = running.run("status")
    assert status.returncode == 1
    assert ("lost its supervisor" if who == "the supervisor" else "Nothing runs") in status.stderr
    return survivors(running.places)


def recovered(running: Local, who: str, left: list[psutil.Process]) -> None:
    """Everything runs again, nothing beside it, and what was stored is there."""
    assert not any(process.is_running() for process in left)
    with psycopg.connect(running.dsn()) as connection:
        assert connection.execute("SELECT count(*) FROM kept WHERE who = %s", (who,)).fetchone() == (1,)
    assert running.run("status").returncode == 0


@contextmanager
def in_the_foreground(local: Local, told: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`./pantau up` as one sees it: once it has told that all is there."""
    with told.open("w") as output:
        command = local.command("up", "--config", str(local.config))
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=clean_environment())
    try:
        wait_until(lambda: "Ctrl-C stops it" in told.read_text(), SECONDS, late=told.read_text)
        yield process
    finally:
        process.kill()


def stops_completely(local: Local, process: subprocess.Popen[bytes], number: signal.Signals, told: Path) -> None:
    """A signal ends all of it."""
    process.send_signal(number)
    assert process.wait(120) == 0
    assert told.read_text().endswith("Stopped.\n")
    assert survivors(local.places) == []


def test_after_a_crash_of_the_supervisor_the_next_start_recovers_with_nothing_lost(running: Local) -> None:
    left = crash(running, "the supervisor")
    done = running.up("--alerting-workers", "2")  # also with more workers than before
    assert done.returncode == 0, done.stdout + done.stderr
    recovered(running, "the supervisor", left)
    assert alerting_workers(running) == [(name, "running", "yes") for name in ("alerting", "alerting-2")]


def test_after_a_crash_of_everything_the_next_start_recovers_and_an_interrupt_stops_it(
    running: Local, tmp_path: Path
) -> None:
    told, left = tmp_path / "told", crash(running, "everything")
    assert left == []
    with in_the_foreground(running, told) as process:
        recovered(running, "everything", left)
        stops_completely(running, process, signal.SIGINT, told)


def test_a_signal_stops_a_start_in_the_foreground_completely(local: Local, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with in_the_foreground(local, told) as process:
        stops_completely(local, process, signal.SIGTERM, told)


def test_down_leaves_no_process_and_no_open_port(running: Local) -> None:
    assert running.run("down").returncode == 0
    assert survivors(running.places) == []
    assert not any(ports.answers(port) for port in running.ports.values())
    assert "Nothing runs" in running.run("down").stderr
