"""`python -m infra.contracts [--check]`: write the contract files, or say whether they are right."""

import argparse
import difflib
import json
import sys
import tomllib
from pathlib import Path

import yaml

from infra.contracts.asyncapi import document
from infra.contracts.committed import PROJECT, earlier_schemas
from infra.contracts.compatibility import breaks
from infra.contracts.schemas import schema_of
from shared.messages.topics import TOPICS

MESSAGES = PROJECT / "shared" / "messages"
SCHEMAS = MESSAGES / "schemas"
MOST_DIFF_LINES = 60


def generated() -> dict[Path, str]:
    """The text of every contract file, from the code."""
    files = {SCHEMAS / f"{topic.name}.json": json.dumps(schema_of(topic), indent=2) + "\n" for topic in TOPICS}
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    text = yaml.safe_dump(document(version), sort_keys=False, allow_unicode=True, width=118)
    files[MESSAGES / "asyncapi.yaml"] = "# Written by `./pantau contracts` from the code.\n" + text
    return files


def main() -> int:
    """0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m infra.contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something differs or would break")
    checking = parser.parse_args().check
    files = generated()
    breaking = broken(files)
    if checking:
        problems = [*differences(files), *breaking]
        for problem in problems:
            print(problem, file=sys.stderr)
        return 1 if problems else 0
    write(files)
    print(f"{len(files)} contract files written below {MESSAGES.relative_to(PROJECT)}")
    for problem in breaking:
        print(f"Warning: {problem}", file=sys.stderr)
    return 0


def write(files: dict[Path, str]) -> None:
    """Write the files, and remove schemas of topics that are no more."""
    SCHEMAS.mkdir(exist_ok=True)
    for path in set(SCHEMAS.glob("*.json")) - files.keys():
        path.unlink()
    for path, text in files.items():
        path.write_text(text)


def differences(files: dict[Path, str]) -> list[str]:
    """How the files differ from what the code says, as diffs, each with the way out."""
    found = []
    for path in sorted(files.keys() | set(SCHEMAS.glob("*.json"))):
        there = path.read_text() if path.exists() else ""
        wanted = files.get(path, "")
        if there != wanted:
            name = str(path.relative_to(PROJECT))
            lines = list(
                difflib.unified_diff(there.splitlines(), wanted.splitlines(), name, "the code", lineterm="", n=2)
            )
            more = len(lines) - MOST_DIFF_LINES
            shown = "\n".join(lines[:MOST_DIFF_LINES]) + (f"\n... {more} more lines" if more > 0 else "")
            found.append(f"{name} is not what the code says; `./pantau contracts` writes it anew:\n{shown}")
    return found


def broken(files: dict[Path, str]) -> list[str]:
    """What would break readers of the last commit's or the last release's messages."""
    now = {path.name: json.loads(text) for path, text in files.items() if path.suffix == ".json"}
    found = []
    for state, schemas in earlier_schemas(SCHEMAS).items():
        for name, old in schemas.items():
            topic = name.removesuffix(".json")
            reasons = breaks(old, now[name]) if name in now else ["the topic is gone"]
            found += [
                f"{topic}: {reason}. This breaks readers of {state}: make it an optional field or a new topic "
                f"{topic}.v2 (docs/contracts.md)"
                for reason in reasons
            ]
    return found


if __name__ == "__main__":
    raise SystemExit(main())
