"""Where the embedded stack keeps its files."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# A Unix socket's address holds 108 bytes, and supervisor appends `.PID` while it makes one.
LONGEST_SOCKET_PATH = 95


def cache_directory() -> Path:
    """Downloads that every clone and data directory shares: `$XDG_CACHE_HOME/pantau`, else `~/.cache/pantau`, and
    where no home can be written a folder of this user's under the temporary directory."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = Path(home) / "pantau"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        directory = Path(tempfile.gettempdir()) / f"pantau-cache-{os.getuid()}"
        directory.mkdir(mode=0o700, exist_ok=True)
        _refuse_strangers(directory)
    return directory


@dataclass(frozen=True)
class Places:
    """The layout of a data directory: everything that one embedded stack owns lies under `data`."""

    data: Path

    @classmethod
    def at(cls, data: Path) -> "Places":
        """The layout under `data`, an absolute path with symbolic links resolved, so that it names the stack."""
        return cls(data.expanduser().resolve())

    @property
    def kafka(self) -> Path:
        return self.data / "kafka"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def dsn_file(self) -> Path:
        """The database's connection URL with its password; readable by the owner only."""
        return self.secrets / "database.dsn"

    @property
    def link_key_file(self) -> Path:
        """The key of links in messages; readable by the owner only."""
        return self.secrets / "links.key"

    @property
    def supervisor_socket(self) -> Path:
        """Supervisor's control socket: in the data directory if its path is short enough."""
        inside = self.run / "supervisor.sock"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
            return inside
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"pantau-{os.getuid()}-{name}" / "supervisor.sock"

    @property
    def workers(self) -> Path:
        """Supervisor's configuration of the further alerting workers, a file each."""
        return self.run / "workers"

    @property
    def record(self) -> Path:
        """What a complete start has noted for the other commands."""
        return self.run / "stack.json"

    def make(self) -> None:
        """Make the directories, private to their owner; `data` itself can be walked through, since the database
        may have to run as another user."""
        if not self.data.exists():
            self.data.mkdir(parents=True)
            self.data.chmod(0o711)
        for directory in (self.logs, self.secrets, self.run, self.workers, self.supervisor_socket.parent):
            directory.mkdir(mode=0o700, exist_ok=True)
            _refuse_strangers(directory)


def write_secret(path: Path, text: str) -> None:
    """Write `text` so that only the owner can read it and no half-written file is ever seen."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _refuse_strangers(directory: Path) -> None:
    """A directory in the shared temporary directory may have been put there by somebody else."""
    if directory.is_symlink() or directory.stat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to another user; remove it or choose another --data directory")
