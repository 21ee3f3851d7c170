"""npm packages that tests need, from the lock file of a folder of theirs."""

import subprocess
from pathlib import Path

import pytest

from infra.local import node
from infra.local.errors import LocalStackError
from infra.local.node import Node

INSTALL_SECONDS = 300


def installed(folder: Path) -> Node:
    """The Node to run with, once `folder`/node_modules is what its lock file says. Skips the test without a Node."""
    try:
        found = node.find()
    except LocalStackError as error:
        pytest.skip(str(error))
    done_for, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if not done_for.exists() or done_for.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run(
            [str(found.npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            env=found.environment(),
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"npm ci failed in {folder}:\n{done.stdout}{done.stderr}"
    return found
