"""PostgreSQL refuses to run as root: there, a system account of its own runs it, which must be able to reach the files.

An ordinary user runs it as themselves, and nothing here does anything.
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from infra.local.errors import LocalStackError

ACCOUNT = "pantau-postgres"


def account() -> str | None:
    """The system user to run PostgreSQL as, made if it is missing; None when we are not root."""
    if os.geteuid() != 0:
        return None
    if not _exists(ACCOUNT):
        _add(ACCOUNT)
    return ACCOUNT


def give(path: Path, user: str | None) -> None:
    """Make `user` the owner of `path`; None leaves it."""
    if user:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def let_through(directory: Path, user: str, say: Callable[[str], None] = lambda text: None) -> None:
    """Let `user` walk through `directory` and all above it: adds the right to enter (not to list) for everybody to
    those that have it for neither `user` nor everybody, and says which."""
    entry = pwd.getpwnam(user)
    for place in (directory, *directory.parents):
        info = place.stat()
        if info.st_uid == entry.pw_uid:
            needed = stat.S_IXUSR
        elif info.st_gid == entry.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not info.st_mode & needed:
            place.chmod(stat.S_IMODE(info.st_mode) | needed)
            say(f"{place} can now be walked through, which the database's account {user} needs.")


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _add(name: str) -> None:
    if useradd := shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", name]
    elif adduser := shutil.which("adduser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
        command = [adduser, "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin", name]
    else:
        raise LocalStackError(
            "PostgreSQL does not run as root, and this system has neither useradd nor adduser to make an account for "
            "it: run ./pantau as an ordinary user, or install Debian's package passwd."
        )
    done = subprocess.run(command, capture_output=True, text=True)
    # Two starts at the same moment may both have found it missing.
    if done.returncode != 0 and not _exists(name):
        raise LocalStackError(
            f"PostgreSQL does not run as root, and making the account {name} for it failed: {done.stderr.strip()} "
            "Run ./pantau as an ordinary user instead."
        )
