"""The launcher, in a small project of its own: it makes the environment, keeps it, repairs it, says what is wrong."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import clean_environment

ROOT = Path(__file__).resolve().parents[2]
# What infra/cli.py is replaced by: tells how it was called.
ECHO = "import os, sys\nprint('called with', sys.argv[1:], 'in', os.getcwd(), 'by', sys.prefix)\n"

Launch = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose lock files name nothing, so that installing needs no network."""
    root = tmp_path / "the project"
    (root / "infra").mkdir(parents=True)
    shutil.copy(ROOT / "pantau", root)
    shutil.copy(ROOT / "infra" / "bootstrap.py", root / "infra")
    (root / "infra" / "__init__.py").touch()
    (root / "infra" / "cli.py").write_text(ECHO)
    for name in ("requirements.lock", "requirements-local.lock", "requirements-dev.lock"):
        (root / name).write_text("# nothing\n")
    return root


@pytest.fixture
def launch(project: Path, tmp_path: Path) -> Launch:
    def run(
        *arguments: str, program: Path = project / "pantau", cwd: Path = tmp_path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in clean_environment().items() if not name.startswith(("PIP_", "PYTHON"))}
        return subprocess.run(
            [program, *arguments], cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=120
        )

    return run


def test_it_makes_the_environment_once_and_passes_everything_on(launch: Launch, project: Path, tmp_path: Path) -> None:
    first = launch("status", "--data", "a b")
    assert first.stdout == f"called with ['status', '--data', 'a b'] in {tmp_path} by {project / '.venv'}\n"
    assert "Making a virtual environment" in first.stderr
    again = launch("up")
    assert (again.returncode, again.stderr) == (0, "")


def test_it_works_through_links_and_beside_a_folder_of_the_same_name(
    launch: Launch, project: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "infra").mkdir(parents=True)
    (elsewhere / "infra" / "cli.py").write_text("raise SystemExit('the wrong one')\n")
    (elsewhere / "one").symlink_to("two")
    (elsewhere / "two").symlink_to(project / "pantau")
    done = launch("logs", program=elsewhere / "one", cwd=elsewhere)
    assert done.stdout.startswith("called with ['logs']"), done.stderr


def test_it_installs_when_a_lock_file_has_changed_and_for_the_command_that_needs_it(
    launch: Launch, project: Path
) -> None:
    launch("up")
    workshop = launch("check")
    assert "requirements-dev.lock" in workshop.stderr
    assert launch("check").stderr == launch("up").stderr == ""
    (project / "requirements-local.lock").write_text("# nothing at all\n")
    assert "requirements-local.lock" in launch("up").stderr


def test_an_installation_that_was_cut_off_is_begun_anew(launch: Launch, project: Path) -> None:
    launch("up")
    (project / ".venv" / ".installing").touch()
    (project / ".venv" / "half").touch()
    done = launch("up")
    assert done.returncode == 0
    assert not (project / ".venv" / "half").exists()


def test_a_broken_environment_is_made_anew(launch: Launch, project: Path) -> None:
    launch("up")
    (project / ".venv" / "bin" / "python").unlink()
    (project / ".venv" / "bin" / "python").symlink_to("/nonexistent/python3.9")
    assert launch("up").stdout.startswith("called with ['up']")


def test_without_network_it_says_so_in_one_sentence_and_goes_on_later(launch: Launch, project: Path) -> None:
    lock = project / "requirements-local.lock"
    lock.write_text(f"colorama==0.4.6 \\\n    --hash=sha256:{'0' * 64}\n")
    failed = launch("up", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_CACHE_DIR="1", PIP_CONFIG_FILE="/dev/null")
    assert failed.returncode == 1
    assert failed.stdout == ""
    last = failed.stderr.strip().splitlines()[-1]
    assert "the package index can't be reached" in last
    assert str(project / ".venv" / "install.log") in last
    lock.write_text("# nothing\n")
    assert launch("up").returncode == 0


@pytest.mark.parametrize("version", [None, "3.9.2"])
def test_without_a_new_enough_python_it_says_what_to_install(
    launch: Launch, tmp_path: Path, version: str | None
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "cmp"):
        (tools / name).symlink_to(str(shutil.which(name)))
    if version:
        old = tools / "python3"
        old.write_text(f"#!/bin/sh\ncase $2 in *platform*) echo {version} ;; *) exit 1 ;; esac\n")
        old.chmod(0o755)
    done = launch("up", PATH=str(tools))
    assert done.returncode == 1
    assert "Pantau needs Python 3.11 or newer" in done.stderr
    assert (f"is {version}" if version else "has no python3") in done.stderr
    assert "Debian's packages python3 and python3-venv" in done.stderr


def test_two_starts_at_once_install_once(launch: Launch, project: Path) -> None:
    programs = [
        subprocess.Popen(
            [project / "pantau", "up"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": "", "PIP_CONFIG_FILE": "/dev/null"},
        )
        for _ in range(2)
    ]
    outputs = [program.communicate(timeout=120) for program in programs]
    assert all(out.startswith("called with ['up']") for out, _ in outputs)
    assert sum("Making a virtual environment" in err for _, err in outputs) == 1
