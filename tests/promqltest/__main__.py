"""`python -m tests.promqltest PATH...`: a line a file, a total; exit 1 on failures."""

import sys
from pathlib import Path

from tests.promqltest.run import Outcome, run_script


def main(arguments: list[str]) -> int:
    """Run scripts, or all `*.test` of folders. The exit code."""
    verbose = "-v" in arguments
    paths = [Path(one) for one in arguments if one != "-v"]
    if not paths:
        print("usage: python -m tests.promqltest [-v] PATH...", file=sys.stderr)
        return 2
    total = Outcome()
    for path in paths:
        for script in sorted(path.glob("*.test")) if path.is_dir() else [path]:
            outcome = run_script(script.read_text(encoding="utf-8"))
            print(f"{script.name} {outcome}")
            for failure in outcome.failures:
                print(f"    {script.name}:{failure}", file=sys.stderr)
            for skip in outcome.skips if verbose else ():
                print(f"    {script.name}:{skip}", file=sys.stderr)
            total = total.with_more(outcome)
    print(f"total {total}")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
