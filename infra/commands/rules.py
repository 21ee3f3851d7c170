"""rules check, rules test, rules backtest: for the authors of rules."""

from glob import escape, glob
from pathlib import Path
from typing import Annotated

import typer

from infra.commands.backtest import backtest
from infra.commands.options import err, fail, out
from shared.messages.rules import AlertingRule
from shared.rules.errors import BadRule
from shared.rules.files import GroupDraft, parse_rule_file
from shared.rules.testing.files import TestFile, parse_test_file
from shared.rules.testing.run import run_test

rules_app = typer.Typer(help="Check and test rules, and try them on history.", no_args_is_help=True)
rules_app.command()(backtest)

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, each looked at by itself.")]


@rules_app.command()
def check(files: Files) -> None:
    """Read rule files; say what is wrong, as file:line: reason. Exit code 1 if anything is."""
    wrong = 0
    for path in files:
        try:
            groups = _groups(path)
        except BadRule as error:
            wrong += 1
            err.print(str(error), markup=False)
            continue
        rules = [rule for group in groups for rule in group.rules]
        alerting = sum(isinstance(rule, AlertingRule) for rule in rules)
        out.print(
            f"{path}: {len(groups)} groups, {alerting} alerting rules, {len(rules) - alerting} recording rules",
            markup=False,
        )
    if wrong:
        fail(f"{wrong} of {len(files)} files can't be taken.")


@rules_app.command()
def test(files: Files) -> None:
    """Run unit tests of rules, in promtool's format. Exit code 1 if any fails."""
    failed = [path for path in files if not _passes(path)]
    if failed:
        fail(f"{len(failed)} of {len(files)} files failed.")


def _passes(path: Path) -> bool:
    out.print(f"Unit Testing:  {path}", markup=False)
    try:
        file = parse_test_file(_read(path), str(path))
        groups = _groups_of(file, path)
        problems = [problem for one in file.tests for problem in run_test(one, file, groups)]
    except BadRule as error:
        problems = [f"    {line}" for line in str(error).splitlines()]
    if not problems:
        out.print("  SUCCESS\n", markup=False)
        return True
    out.print("  FAILED:", markup=False)
    for problem in problems:
        out.print(problem + "\n", markup=False)
    return False


def _groups_of(file: TestFile, path: Path) -> list[GroupDraft]:
    """The groups of all rule files that a test file names, relative to itself; patterns are expanded."""
    groups = []
    for pattern in file.rule_files:
        found = sorted(glob(str(Path(escape(str(path.parent))) / pattern)))
        if not found:
            err.print(f"  WARNING: no file match pattern {pattern}", markup=False)
        for one in found:
            groups += _groups(Path(one))
    return groups


def _groups(path: Path) -> list[GroupDraft]:
    return parse_rule_file(_read(path), str(path))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRule(f"{path}: can't be read: {error}") from error
