"""Asking services whether they are ready, and waiting until they are."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from infra.local import kafka, postgres
from infra.local.errors import LocalStackError, last_lines
from infra.local.places import Places
from infra.local.processes import POLL_SECONDS
from infra.local.record import Record
from infra.local.supervisor import Control

READY_SECONDS = 90.0
CRASHING_SECONDS = 20.0
BAD_SETTINGS = 2
"""The exit status of a service that refuses its settings."""


def of_program(places: Places, record: Record, name: str) -> dict[str, str]:
    """What a program of the running stack waits for, servers included; empty when it is ready."""
    if name in record.endpoints:
        return missing(record.endpoints[name])
    if name == "kafka":
        ready = kafka.answers(int(record.bootstrap.rpartition(":")[2]))
    elif name != "postgres":
        return {}  # a program beside the services, which is ready as soon as it runs
    else:
        dsn = places.dsn_file.read_text()
        ready = postgres.answers(urlsplit(dsn).port or 0, dsn)
    return {} if ready else {"server": "does not answer"}


def missing(endpoint: str) -> dict[str, str]:
    """What the service there waits for; empty when it is ready. Asks its /health/ready."""
    try:
        with urllib.request.urlopen(f"{endpoint}/health/ready", timeout=5) as response:  # noqa: S310  (our own address)
            return {} if response.status == 200 else {"service": f"answers {response.status}"}
    except urllib.error.HTTPError as error:
        return _reasons(error)
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return {"service": f"does not answer ({reason})"}


def wait_for_services(places: Places, control: Control, endpoints: Mapping[str, str]) -> dict[str, str]:
    """Wait until all are ready; api must be, what else is not is returned with its reasons."""
    waiting = dict.fromkeys(endpoints, "has not answered yet")
    deadline = time.monotonic() + READY_SECONDS
    crashing: dict[str, float] = {}
    while waiting and time.monotonic() < deadline:
        for name in list(waiting):
            reasons = missing(endpoints[name])
            if not reasons:
                del waiting[name]
            else:
                waiting[name] = words(reasons)
        if waiting:
            _refuse_what_keeps_ending(places, control, crashing)
            time.sleep(POLL_SECONDS)
    if "api" in waiting:
        log = places.logs / "api.log"
        raise LocalStackError(
            f"api is not ready after {READY_SECONDS:.0f} s: {waiting['api']}; the end of {log}:\n{last_lines(log)}"
        )
    return waiting


def words(reasons: Mapping[str, str]) -> str:
    """The reasons as one line."""
    return "; ".join(f"{what}: {why}" for what, why in reasons.items())


def _refuse_what_keeps_ending(places: Places, control: Control, crashing: dict[str, float]) -> None:
    """A service that refuses its settings will refuse them again, and one that has ended at once again and again
    will go on like that: no use to wait. `crashing` remembers since when."""
    now = time.monotonic()
    for program in control.programs():
        if program.state == "RUNNING":
            crashing.pop(program.name, None)
        elif program.state == "BACKOFF":
            since = crashing.setdefault(program.name, now)
            if program.exit_status == BAD_SETTINGS or (program.name == "api" and now - since > CRASHING_SECONDS):
                log = places.logs / f"{program.name}.log"
                raise LocalStackError(f"{program.name} does not start; the end of {log}:\n{last_lines(log)}")


def _reasons(error: urllib.error.HTTPError) -> dict[str, str]:
    try:
        reasons = json.load(error)["missing"]
    except (ValueError, KeyError, TypeError):
        reasons = None
    return reasons if isinstance(reasons, dict) and reasons else {"service": f"answers {error.code}"}
