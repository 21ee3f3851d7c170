"""Supervisor's configuration, and what its states mean to a person."""

import os
import shlex
import signal
from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path

import pytest
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.options import expand

from infra.local import supervisor
from infra.local.places import LONGEST_SOCKET_PATH, Places
from infra.local.processes import Program
from infra.local.supervisor import ProgramState
from infra.local.watching import changes

KAFKA = Program("kafka", ["/jre/bin/java", "-cp", "/a b/x.jar:/c.jar", "kafka.Kafka"], stop_seconds=20)
POSTGRES = Program("postgres", ["/pg/postgres"], user="somebody", stop_signal=signal.SIGINT)
API = Program("api", ["python", "-m", "services.api", "100%"])


@pytest.fixture
def parsed(tmp_path: Path) -> RawConfigParser:
    parser = RawConfigParser()
    parser.read_string(supervisor.configuration(Places.at(tmp_path), [KAFKA, POSTGRES], [API]))
    return parser


def test_servers_start_by_themselves_and_services_when_told(parsed: RawConfigParser) -> None:
    assert parsed["program:kafka"]["autostart"] == "true"
    assert parsed["program:api"]["autostart"] == "false"
    assert all(parsed[f"program:{name}"]["autorestart"] == "true" for name in ("kafka", "postgres", "api"))


def test_services_stop_before_the_servers_they_need(parsed: RawConfigParser) -> None:
    # Supervisor stops the group with the highest priority first, and waits for it.
    assert int(parsed["group:services"]["priority"]) > int(parsed["group:servers"]["priority"])
    assert parsed["group:servers"]["programs"] == "kafka,postgres"


def test_each_program_is_stopped_in_its_own_way(parsed: RawConfigParser) -> None:
    assert parsed["program:postgres"]["stopsignal"] == "INT"
    assert parsed["program:kafka"]["stopsignal"] == "TERM"
    assert parsed["program:kafka"]["stopwaitsecs"] == "20"


def test_commands_survive_blanks_and_per_cent_signs(parsed: RawConfigParser) -> None:
    # Supervisor expands `%` before it splits the words.
    assert shlex.split(parsed["program:kafka"]["command"] % {}) == KAFKA.command
    assert shlex.split(parsed["program:api"]["command"] % {}) == API.command


def test_only_a_program_that_names_a_user_runs_as_another(parsed: RawConfigParser) -> None:
    assert parsed["program:postgres"]["user"] == "somebody"
    assert "user" not in parsed["program:kafka"]


def test_a_worker_that_comes_later_is_a_file_of_its_own_that_supervisor_includes(tmp_path: Path) -> None:
    places = Places.at(tmp_path)
    places.make()
    environment = {"PANTAU_INSTANCE": "host:50%", "PANTAU_ALERTING__ADMIN__PORT": "18102"}
    worker = Program("alerting-2", ["python", "-m", "services.alerting"], environment=environment)
    supervisor.write_worker(places, worker, autostart=True)
    main = RawConfigParser()
    main.read_string(supervisor.configuration(places, [KAFKA], [API]))
    (file,) = places.workers.iterdir()
    assert file.match(main["include"]["files"])
    written = RawConfigParser()
    written.read(file)
    section = written["program:alerting-2"]
    assert section["priority"] == main["group:services"]["priority"]
    assert dict_of_key_value_pairs(expand(section["environment"], {}, "environment")) == environment


def test_a_long_data_directory_gets_a_socket_elsewhere_and_always_the_same(tmp_path: Path) -> None:
    short = Places.at(Path("/data"))
    long = Places.at(tmp_path / ("x" * 120))
    assert short.supervisor_socket.parent == short.run
    assert len(os.fsencode(long.supervisor_socket)) <= LONGEST_SOCKET_PATH
    assert long.supervisor_socket == Places.at(tmp_path / ("x" * 120)).supervisor_socket
    assert long.supervisor_socket != Places.at(tmp_path / ("y" * 120)).supervisor_socket


RUNNING = ProgramState("api", "RUNNING", 10, 1_000, 1_060, 0, "services")


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (replace(RUNNING, now=2_000), []),
        (replace(RUNNING, pid=11), ["api was started after it had ended (process 10): process 11"]),
        (
            replace(RUNNING, pid=None, state="BACKOFF", exit_status=2),
            ["api ends at once (exit status 2); it will be tried again, ever slower"],
        ),
        (replace(RUNNING, pid=None, state="STOPPED"), ["api is stopped"]),
    ],
)
def test_changes_are_told(now: ProgramState, said: list[str]) -> None:
    assert changes({"api": RUNNING}, {"api": now}) == said


def test_programs_that_come_and_go_are_told() -> None:
    other = replace(RUNNING, name="alerting-2")
    assert changes({"api": RUNNING}, {"api": RUNNING, "alerting-2": other}) == ["alerting-2 was added"]
    assert changes({"api": RUNNING, "alerting-2": other}, {"api": RUNNING}) == ["alerting-2 was removed"]


def test_uptime_is_counted_only_while_it_runs() -> None:
    assert RUNNING.uptime_seconds == 60
    assert replace(RUNNING, pid=None).uptime_seconds == 0
