"""The stack that a benchmark measures: one that runs, or one of its own in a temporary directory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.local import ports
from infra.local.places import PROJECT, Places

ADMIN_PAGES = ("collector", "health", "alerting", "history", "notifier")
START_SECONDS = 600  # the first start on a machine downloads Kafka and builds the pages


@dataclass(frozen=True)
class Stack:
    """Where everything is. `webhook_port` is where the notifier's webhook receiver is to listen, on 127.0.0.1."""

    url: str
    token: str
    kafka: str
    webhook_port: int
    dsn: str


@contextmanager
def own_stack(**sections: dict[str, Any]) -> Iterator[Stack]:
    """A stack on free ports, with `sections` of settings over the ones it needs; gone when the block ends."""
    names = ("kafka", "postgres", "api", "exporter", "webhook", *ADMIN_PAGES)
    free = dict(zip(names, ports.free(len(names)), strict=True))
    settings: dict[str, dict[str, Any]] = {name: {"admin": {"port": free[name]}} for name in ADMIN_PAGES}
    settings["local"] = {"kafka_port": free["kafka"], "postgres_port": free["postgres"]}
    settings["api"] = {"port": free["api"]}
    settings["collector"]["exporter"] = {"port": free["exporter"]}
    webhook = {"url": f"http://127.0.0.1:{free['webhook']}/", "format": "pantau"}
    settings["notifications"] = {
        "route": {"receiver": "bench", "immediate": True},
        "receivers": [{"name": "bench", "webhook_configs": [webhook]}],
    }
    for name, section in sections.items():
        settings.setdefault(name, {}).update(section)
    with tempfile.TemporaryDirectory(prefix="pantau-bench-") as directory:
        data, config = Path(directory) / "data", Path(directory) / "pantau.yaml"
        config.write_text(yaml.safe_dump(settings))
        try:
            _pantau("up", "--detach", "--config", str(config), "--data", str(data))
            token = _pantau("token", "create", "--role", "admin", "--name", "bench", "--data", str(data)).split()[-1]
            yield Stack(
                url=f"http://127.0.0.1:{free['api']}",
                token=token,
                kafka=f"127.0.0.1:{free['kafka']}",
                webhook_port=free["webhook"],
                dsn=Places.at(data).dsn_file.read_text().strip(),
            )
        finally:
            _pantau("down", "--data", str(data))


def _pantau(*arguments: str) -> str:
    """The standard output of a command; SystemExit with what it said if it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PANTAU_")}
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", *arguments],
        cwd=PROJECT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    if done.returncode != 0:
        raise SystemExit(f"pantau {arguments[0]} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
