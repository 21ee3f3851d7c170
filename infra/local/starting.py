"""The steps of a start, in order: prepare, servers, schema and topics, the first admin, services, readiness."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka.errors import KafkaError

from infra import accounts, topics
from infra.local import kafka, ports, postgres, supervisor, web
from infra.local.errors import LocalStackError, last_lines
from infra.local.link_key import link_key
from infra.local.narration import Narrator
from infra.local.places import PROJECT, Places
from infra.local.processes import POLL_SECONDS, Program, wait_until
from infra.local.readiness import wait_for_services
from infra.local.record import Record
from infra.local.settings import ALERTING, SERVICES, Configuration, further_workers, service_of
from infra.local.supervisor import Control
from infra.local.survivors import marked_environment
from infra.migrations.files import BadMigration
from infra.migrations.runner import migrate

SERVER_SECONDS = 90.0
"""For Kafka and PostgreSQL to answer: after a crash they read their logs first."""


class Beside(NamedTuple):
    """A program beside the services: what they are to find when they start."""

    program: Program
    answers: Callable[[], bool]
    """Whether it is there."""


@dataclass(frozen=True)
class Started:
    """The outcome of `up`."""

    record: Record
    already: bool = False
    admin_password: str | None = None
    """Of the user `admin`, if this start has made it."""
    not_ready: Mapping[str, str] = field(default_factory=dict)
    """Services that were not ready within the time, with what they wait for."""


def start(places: Places, configuration: Configuration, narrator: Narrator, beside: Sequence[Beside] = ()) -> Started:
    servers = _prepare(places, configuration, narrator)
    environment = child_environment(places, configuration)
    programs = [program(name, configuration) for name in SERVICES]
    for old in places.workers.glob("*.conf"):
        old.unlink()
    for worker in further_workers(configuration.local.alerting_workers):
        supervisor.write_worker(places, program(worker, configuration), autostart=False)
    for other in beside:
        supervisor.write_worker(places, other.program, autostart=False)
    narrator.say("Starting Kafka and PostgreSQL")
    running = supervisor.start(places, supervisor.configuration(places, servers, programs), environment)
    control = Control(places)
    # Asking it also makes it start its programs now, and not after its first second.
    wait_until(
        control.answers,
        SERVER_SECONDS,
        failed=lambda: _supervisor_failed(places, running),
        late=lambda: f"The process supervisor does not answer; see {places.logs / 'supervisor.log'}",
    )
    _wait_for_servers(places, configuration, running)
    concurrently(
        lambda: _migrate(places, narrator),
        lambda: _create_topics(configuration, narrator),
    )
    try:
        password = accounts.ensure_admin(places.dsn_file.read_text())
    except accounts.AccountError as error:
        raise LocalStackError(f"The first user could not be made: {error}") from error
    _start_beside(places, control, beside, narrator)
    narrator.say("Starting the services")
    control.start_services()
    record = Record(
        url=configuration.endpoint("api").url,
        bootstrap=bootstrap(configuration),
        config=str(configuration.file) if configuration.file else None,
        endpoints={name: configuration.endpoint(name).url for name in configuration.programs},
    )
    not_ready = wait_for_services(places, control, record.endpoints)
    record.write(places)
    return Started(record, admin_password=password, not_ready=not_ready)


def _prepare(places: Places, configuration: Configuration, narrator: Narrator) -> list[Program]:
    """Download, format and build what is missing, all at once; the servers to run."""
    local = configuration.local
    programs: dict[str, Program] = {}

    def prepare_kafka() -> None:
        programs["kafka"] = kafka.prepare(
            places.kafka,
            local.kafka_port,
            local.controller_port,
            heap_mb=local.kafka_heap_mb,
            progress=narrator.progress("Kafka's jars"),
        )

    def prepare_postgres() -> None:
        programs["postgres"] = postgres.prepare(places.postgres, places.dsn_file, local.postgres_port, say=narrator.say)

    concurrently(
        prepare_kafka,
        prepare_postgres,
        lambda: web.build(narrator, places.logs / "web-build.log", marked_environment(places)),
    )
    return [programs["kafka"], programs["postgres"]]


def program(name: str, configuration: Configuration) -> Program:
    """How a program of the stack is run. Alerting workers tell themselves apart by their names."""
    service, environment = service_of(name), dict[str, str]()
    if service == ALERTING:
        environment["PANTAU_INSTANCE"] = f"{socket.gethostname()}:{name}"
    if name != service:
        environment[ports.environment_name(f"{service}.admin.port")] = str(configuration.endpoint(name).port)
    return Program(
        name,
        [sys.executable, "-m", f"services.{service}"],
        stop_signal=signal.SIGTERM,
        stop_seconds=15,
        environment=environment,
    )


def _wait_for_servers(places: Places, configuration: Configuration, running: subprocess.Popen[bytes]) -> None:
    dsn, local = places.dsn_file.read_text(), configuration.local
    waits: dict[str, Callable[[], bool]] = {
        "postgres": lambda: postgres.answers(local.postgres_port, dsn),
        "kafka": lambda: kafka.answers(local.kafka_port),
    }
    for name, answers in waits.items():
        wait_until(
            answers,
            SERVER_SECONDS,
            failed=lambda: _supervisor_failed(places, running),
            late=lambda name=name: (  # type: ignore[misc]  # bound now, not when it is called
                f"{name} did not answer within {SERVER_SECONDS:.0f} s; the end of {places.logs / f'{name}.log'}:\n"
                + last_lines(places.logs / f"{name}.log")
            ),
        )


def _start_beside(places: Places, control: Control, beside: Sequence[Beside], narrator: Narrator) -> None:
    states = {state.name: state for state in control.programs()}
    for other in beside:
        narrator.say(f"Starting the {other.program.name}")
        control.start(states[other.program.name])
        log = places.logs / f"{other.program.name}.log"
        wait_until(
            other.answers,
            SERVER_SECONDS,
            late=lambda log=log: f"The end of {log}:\n{last_lines(log)}",  # type: ignore[misc]
        )


def _supervisor_failed(places: Places, running: subprocess.Popen[bytes]) -> str | None:
    if running.poll() is None:
        return None
    words = last_lines(places.logs / "supervisor.out")
    return f"The process supervisor ended with exit status {running.returncode}:\n{words}"


def _migrate(places: Places, narrator: Narrator) -> None:
    try:
        applied = migrate(places.dsn_file.read_text(), lambda line: None)
    except BadMigration as error:
        raise LocalStackError(f"The database's schema could not be brought up to date: {error}") from error
    if applied:
        narrator.say(f"The database's schema is up to date ({len(applied)} migrations applied)")


def _create_topics(configuration: Configuration, narrator: Narrator) -> None:
    try:
        done = asyncio.run(topics.bring_up_to_date(bootstrap(configuration)))
    except (KafkaError, OSError) as error:
        raise LocalStackError(f"Kafka's topics could not be brought up to date: {error}") from error
    if done:
        narrator.say(f"Kafka's topics are up to date ({len(done)} changes)")


def child_environment(places: Places, configuration: Configuration) -> dict[str, str]:
    """What the stack's programs are told. The database's password is in a file that this names."""
    told = {
        "PANTAU_KAFKA__BOOTSTRAP": bootstrap(configuration),
        "PANTAU_DATABASE__DSN_FILE": str(places.dsn_file),
        # The programs run in the data directory; they find the project, and nothing of the same name before it.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")])),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
    if configuration.file:
        told["PANTAU_CONFIG"] = str(configuration.file)
    kept = {name: value for name, value in os.environ.items() if name != "PANTAU_DATABASE__DSN"}
    return kept | told | link_key(places, configuration) | marked_environment(places)


def bootstrap(configuration: Configuration) -> str:
    """The embedded Kafka's address."""
    return f"{ports.LOOPBACK}:{configuration.local.kafka_port}"


def concurrently(*works: Callable[[], None]) -> None:
    """Run `works` at the same time until all are done. The first error is raised at once; the others, in threads that
    keep no process alive, are left to themselves."""
    outcomes: list[BaseException | None] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
            outcomes.append(None)
        except BaseException as error:  # noqa: BLE001  (raised again by the caller's thread)
            outcomes.append(error)

    for work in works:
        threading.Thread(target=run, args=(work,), daemon=True).start()
    while True:
        if failure := next((error for error in list(outcomes) if error), None):
            raise failure
        if len(outcomes) == len(works):
            return
        time.sleep(POLL_SECONDS)
