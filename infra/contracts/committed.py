"""What readers out there may have: the schemas as committed, and as last released."""

import json
import subprocess
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


def earlier_schemas(directory: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """The schemas of each earlier state that is to be kept readable, by the state's name and the file's: of the last
    commit and of the last release (tag). Without git, of the files in `directory`."""
    if _git("rev-parse", "--verify", "HEAD") is None:
        return {"the files": {path.name: json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))}}
    states = {"the last commit": "HEAD"}
    if tag := _git("describe", "--tags", "--abbrev=0"):
        states[f"release {tag.strip()}"] = tag.strip()
    return {name: _at(revision, directory) for name, revision in states.items()}


def _at(revision: str, directory: Path) -> dict[str, dict[str, Any]]:
    folder = directory.relative_to(PROJECT).as_posix()
    listed = _git("ls-tree", "--name-only", revision, f"{folder}/") or ""
    found = {}
    for path in listed.splitlines():
        if path.endswith(".json") and (text := _git("show", f"{revision}:{path}")):
            found[path.rsplit("/", 1)[-1]] = json.loads(text)
    return found


def _git(*arguments: str) -> str | None:
    """git's answer; None if there is no git, no repository or no such thing in it."""
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *arguments], capture_output=True, text=True, check=False, timeout=30
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
