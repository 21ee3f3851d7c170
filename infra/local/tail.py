"""Reading log files while they are written and rotated."""

import os
import re
from pathlib import Path
from typing import BinaryIO

# structlog on a console, structlog as JSON, Kafka, PostgreSQL.
SERIOUS = re.compile(
    r"\[(error|critical) *\]|\"level\": ?\"(error|critical)\"|^\S+ \S+ (ERROR|FATAL)\b|\b(FATAL|PANIC):  "
)
BLOCK = 64 * 1024


class Tail:
    """The lines that are added to a file, also across its rotation. A file that isn't there yet is waited for."""

    def __init__(self, path: Path, from_end: bool = True) -> None:
        self._path, self._rest = path, b""
        self._file: BinaryIO | None = path.open("rb") if path.exists() else None
        if self._file and from_end:
            self._file.seek(0, os.SEEK_END)

    def lines(self) -> list[str]:
        """The complete lines added since the last call."""
        data = self._read()
        if self._rotated():
            self._file = self._path.open("rb")
            data += self._read()
        *complete, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in complete]

    def _read(self) -> bytes:
        return self._file.read() if self._file else b""

    def _rotated(self) -> bool:
        """Whether the path now names another file, which includes its first appearance."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        if self._file is None:
            return True
        ours = os.fstat(self._file.fileno())
        if (now.st_dev, now.st_ino) != (ours.st_dev, ours.st_ino):
            self._file.close()
            return True
        return False


def last_lines_of(path: Path, count: int) -> list[str]:
    """The last `count` lines, read from the end; none if there is no file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return []
    with file:
        position, data = file.seek(0, os.SEEK_END), b""
        while position > 0 and data.count(b"\n") <= count:
            step = min(BLOCK, position)
            position -= step
            file.seek(position)
            data = file.read(step) + data
    lines = data.decode(errors="replace").splitlines()
    return lines[-count:] if count else []


def is_serious(line: str) -> bool:
    """Whether a log line tells of an error."""
    return SERIOUS.search(line) is not None
