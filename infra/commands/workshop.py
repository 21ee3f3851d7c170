"""test, check, contracts, bench: the workshop."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from infra.commands.options import err, fail
from infra.local import node, web
from infra.local.errors import LocalStackError
from infra.local.narration import Narrator
from infra.local.places import PROJECT, cache_directory

# Modules that write what other systems rely on, and with --check say whether that is up to date.
GENERATORS = ("infra.contracts", "services.api.openapi", "services.describe")
LEFT_OUT = "slow (tests of minutes; ./pantau test -m slow runs them)"


@dataclass(frozen=True)
class Step:
    """One of the things that `check` looks at."""

    name: str
    run: Callable[[], subprocess.CompletedProcess[str]]


def test(context: typer.Context) -> None:
    """Run the tests; arguments are pytest's."""
    arguments = list(context.args)
    if "-m" not in arguments and not any(argument.startswith("-m=") for argument in arguments):
        err.print(f"Left out: {LEFT_OUT}. What else is skipped, and why, is listed at the end.", markup=False)
    if not arguments:
        # Most of the time a test waits for a server, so two at a time are quicker also on two cores; by file, since
        # the tests of a file share their servers: see tests/scheduling.py.
        arguments = ["--numprocesses=2", "--dist=loadfile"]
    raise typer.Exit(_python("-m", "pytest", *arguments).returncode)


def check() -> None:
    """Lint, types, import rules, contracts, the browser application's types. Goes on after a failure."""
    failed = []
    for step in _steps():
        err.print(f"{step.name} ...", end=" ", markup=False)
        begun = time.monotonic()
        done = step.run()
        seconds = time.monotonic() - begun
        if done.returncode == 0:
            err.print(f"passed ({seconds:.1f} s)")
        else:
            failed.append(step.name)
            err.print(f"FAILED ({seconds:.1f} s)")
            print((done.stdout + done.stderr).strip(), flush=True)
    if failed:
        fail(f"Failed: {', '.join(failed)}.")
    err.print("All checks passed.")


def contracts(
    check: Annotated[bool, typer.Option("--check", help="Only say whether they are up to date.")] = False,
) -> None:
    """Write JSON Schema, AsyncAPI and OpenAPI anew from the code."""
    statuses = [_python("-m", module, *(["--check"] if check else [])).returncode for module in _generators()]
    raise typer.Exit(max(statuses))


def bench(context: typer.Context, name: Annotated[str, typer.Argument(help="One of bench/NAME.py.")]) -> None:
    """Run a benchmark; what follows its name is for it."""
    known = sorted(path.stem for path in (PROJECT / "bench").glob("*.py") if not path.stem.startswith("_"))
    if name not in known:
        fail(f"There is no benchmark {name!r}; there are {', '.join(known) or 'none'}.")
    raise typer.Exit(_python("-m", f"bench.{name}", *context.args).returncode)


def _steps() -> list[Step]:
    python = partial(_captured, sys.executable)
    steps = [
        Step("ruff check", partial(python, "-m", "ruff", "check", ".")),
        Step("ruff format", partial(python, "-m", "ruff", "format", "--check", ".")),
        Step("mypy --strict", partial(python, "-m", "mypy")),
        Step("import rules", partial(python, "-c", _LINT_IMPORTS)),
        *(Step(f"contracts: {module}", partial(python, "-m", module, "--check")) for module in _generators()),
    ]
    if (web.WEB / "package.json").exists():
        steps.append(Step("browser application", _check_web))
    return steps


# import-linter has no `python -m`, and its script may not be on the PATH; it imports what it looks at.
_LINT_IMPORTS = (
    "import sys; sys.path.append('sdk'); from importlinter.cli import lint_imports_command; lint_imports_command()"
)


def _generators() -> list[str]:
    return [module for module in GENERATORS if importlib.util.find_spec(module)]


def _check_web() -> subprocess.CompletedProcess[str]:
    log = cache_directory() / "web-check.log"
    try:
        tools = node.find()
        web.install(Narrator(err), log, {}, tools)
    except LocalStackError as error:
        return subprocess.CompletedProcess([], 1, "", str(error))
    return _captured(str(tools.npm), "run", "check", cwd=str(web.WEB), environment=tools.environment())


def _python(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run Python in the project's folder, its output where ours goes. Ctrl-C is for it, too."""
    return subprocess.run([sys.executable, *arguments], cwd=PROJECT)


def _captured(
    *command: str, cwd: str = str(PROJECT), environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command), cwd=cwd, env=environment or dict(os.environ), capture_output=True, text=True, errors="replace"
    )


COMMANDS: Sequence[Callable[..., None]] = (check, contracts)
