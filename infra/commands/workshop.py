"""test, check, contracts, bench: the workshop."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
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
        # Half of the time a test waits for a server, so two at a time for each processor are quicker; by file, since
        # the tests of a file share their servers: see tests/scheduling.py.
        arguments = [f"--numprocesses={2 * _processors()}", "--dist=loadfile"]
    raise typer.Exit(_python("-m", "pytest", *arguments).returncode)


def check() -> None:
    """Lint, types, import rules, contracts, the browser application's types. Goes on after a failure."""
    failed = []
    with ThreadPoolExecutor(_processors()) as threads:
        for one in as_completed([threads.submit(_timed, step) for step in _steps()]):
            step, done, seconds = one.result()
            if done.returncode == 0:
                err.print(f"{step.name}: passed ({seconds:.1f} s)", markup=False)
            else:
                failed.append(step.name)
                err.print(f"{step.name}: FAILED ({seconds:.1f} s)", markup=False)
                print((done.stdout + done.stderr).strip(), flush=True)
    if failed:
        fail(f"Failed: {', '.join(failed)}.")
    err.print("All checks passed.")


def _timed(step: Step) -> tuple[Step, subprocess.CompletedProcess[str], float]:
    begun = time.monotonic()
    return step, step.run(), time.monotonic() - begun


def _processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    # What takes long begins first.
    web_steps = [Step("browser application", _check_web)] if (web.WEB / "package.json").exists() else []
    return [
        *web_steps,
        Step("mypy --strict", partial(python, "-m", "mypy")),
        Step("ruff check", partial(python, "-m", "ruff", "check", ".")),
        Step("ruff format", partial(python, "-m", "ruff", "format", "--check", ".")),
        Step("import rules", partial(python, "-c", _LINT_IMPORTS)),
        *(Step(f"contracts: {module}", partial(python, "-m", module, "--check")) for module in _generators()),
    ]


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
