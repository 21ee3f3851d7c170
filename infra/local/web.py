"""The browser application: built when its sources have changed since the last build."""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local import node
from infra.local.errors import LocalStackError, last_lines
from infra.local.narration import Narrator
from infra.local.places import PROJECT

WEB = PROJECT / "web"
MADE = ("node_modules", "dist", "coverage", "test-results")
DEADLINE_SECONDS = 900
# What npm is told; the image is built with the same (infra/docker/Dockerfile).
INSTALL = ("ci", "--no-audit", "--no-fund")
BUILD = ("run", "build")


def fingerprint(web: Path) -> str:
    """A hash over the names and contents of all sources under `web`."""
    digest = hashlib.sha256()
    for path in sorted(path for path in web.rglob("*") if path.is_file()):
        parts = path.relative_to(web).parts
        if parts[0] not in MADE and path.suffix != ".tsbuildinfo":
            digest.update(json.dumps(parts).encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build(narrator: Narrator, log: Path, mark: Mapping[str, str], web: Path = WEB) -> None:
    """Bring `web/dist` up to date. `mark` is added to the environment of what runs meanwhile.

    LocalStackError, with the end of `log`, when packages can't be had or the build fails.
    """
    if not (web / "package.json").exists():
        narrator.say("There is no web/ here: the browser application is left out.")
        return
    stamp = web / "dist" / ".sources"
    if stamp.exists() and stamp.read_text() == fingerprint(web):
        return
    tools = node.find()
    install(narrator, log, mark, tools, web)
    narrator.say("Building the browser application")
    _npm(tools, BUILD, web, log, mark, "Building the browser application failed")
    # A build writes the API's types among the sources, so the state after it is the one to compare with.
    stamp.write_text(fingerprint(web))


def install(narrator: Narrator, log: Path, mark: Mapping[str, str], tools: node.Node, web: Path = WEB) -> None:
    """Bring `web/node_modules` to the lock file; nothing if it is there already."""
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    stamp = web / "node_modules" / ".lock"
    if stamp.exists() and stamp.read_text() == lock:
        return
    narrator.say("Downloading what the browser application is built with")
    failed = (
        "Downloading the browser application's packages failed; check this machine's network and run the same command "
        "again"
    )
    _npm(tools, INSTALL, web, log, mark, failed)
    stamp.write_text(lock)


def _npm(
    tools: node.Node, arguments: Sequence[str], web: Path, log: Path, mark: Mapping[str, str], failed: str
) -> None:
    environment = {**tools.environment(), **mark, "CI": "true", "NO_UPDATE_NOTIFIER": "1"}
    with log.open("ab") as output:
        try:
            done = subprocess.run(
                [str(tools.npm), *arguments],
                cwd=web,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=DEADLINE_SECONDS,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as expired:
            raise LocalStackError(
                f"{failed}: not done after {DEADLINE_SECONDS} s (all of it is in {log})."
            ) from expired
    if done.returncode != 0:
        raise LocalStackError(f"{failed} (all of it is in {log}):\n{last_lines(log)}")
