"""What can go wrong in the embedded stack, told to a person."""

from pathlib import Path


class LocalStackError(Exception):
    """The embedded stack can't do what was asked; the text says why and what to do about it."""


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log file, for an error message; says so when there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return f"(no log at {log})"
    return "\n".join(lines) or f"({log} is empty)"
