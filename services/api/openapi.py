"""`python -m services.api.openapi [--check]`: write openapi.json, or say whether it is what the code says."""

import json
import sys
from pathlib import Path

from services.api.app import build

FILE = Path(__file__).with_name("openapi.json")


def text() -> str:
    """The document as it is committed."""
    return json.dumps(build(None).openapi(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """The exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m services.api.openapi [--check]\n")
        return 2
    wanted = text()
    if not arguments:
        FILE.write_text(wanted)
        return 0
    if FILE.exists() and FILE.read_text() == wanted:
        return 0
    sys.stderr.write(f"{FILE.name} is not what the code says: run python -m services.api.openapi\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
