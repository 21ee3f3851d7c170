"""The subscribers of docs/subscribe as programs, and the pictures that they print."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.messages.message import instant_from_text
from tests.conftest import clean_environment
from tests.integration.subscribers.histories import Picture
from tests.node_packages import installed

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "subscribe"
PACKAGES = Path(__file__).parent
STOP_SECONDS = 30.0
LANGUAGES = ("python", "javascript")


class Subscriber:
    """One that runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path, complaints: Path) -> None:
        self.process, self._output, self._complaints = process, output, complaints

    def pictures(self, rule: str) -> list[Picture]:
        """What it has shown so far of the alerts of `rule`, without the lines in which these did not change."""
        assert self.process.poll() is None, f"it ended with {self.process.poll()}:\n{self.complaints}"
        found: list[Picture] = []
        for line in self._output.read_text().splitlines(keepends=True):
            if line.endswith("\n"):  # whole
                picture = {
                    one["alert_id"]: (instant_from_text(one["episode"]), one["state"])
                    for one in json.loads(line)
                    if one["rule"] == rule
                }
                if not found or picture != found[-1]:
                    found.append(picture)
        return found

    @property
    def complaints(self) -> str:
        """What it wrote to standard error."""
        return self._complaints.read_text()


@contextmanager
def subscriber(language: str, bootstrap: str, directory: Path) -> Iterator[Subscriber]:
    """The subscriber in `language`, for as long as the block lasts."""
    output, complaints = directory / f"{language}.out", directory / f"{language}.err"
    with output.open("wb") as out, complaints.open("wb") as err:
        process = subprocess.Popen(
            [*_command(language, directory), bootstrap], env=clean_environment(), stdout=out, stderr=err
        )
    try:
        yield Subscriber(process, output, complaints)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command(language: str, directory: Path) -> list[str]:
    if language == "python":
        return [sys.executable, str(EXAMPLES / "subscriber.py")]
    found = installed(PACKAGES)
    # A module is looked for beside the file that imports it.
    packages = directory / "node_modules"
    if not packages.exists():
        packages.symlink_to(PACKAGES / "node_modules")
    copied = shutil.copy(EXAMPLES / "subscriber.mjs", directory)
    return [str(found.programs / "node"), str(copied)]
