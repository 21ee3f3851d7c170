"""The disks of this machine: which mounts are real ones, and how full they are."""

import asyncio
import os
import stat
from collections.abc import Collection, Iterable
from functools import partial
from typing import NamedTuple

import psutil

from shared.blocking import BlockingCalls
from shared.deadlines import Hanging

# What the kernel shows as a mount but is no place to store anything, and images that are full by nature.
_PSEUDO = """
    autofs binfmt_misc bpf cgroup cgroup2 configfs cramfs debugfs devfs devpts devtmpfs efivarfs erofs fusectl
    fuse.gvfsd-fuse fuse.lxcfs fuse.portal fuse.snapfuse hugetlbfs iso9660 mqueue none nsfs proc procfs pstore ramfs
    rpc_pipefs securityfs selinuxfs squashfs sysfs tmpfs tracefs
"""
PSEUDO_FILE_SYSTEMS = frozenset(_PSEUDO.split())


class Mount(NamedTuple):
    """One line of the mount table."""

    device: str
    mountpoint: str
    fstype: str


class Usage(NamedTuple):
    """How full a mounted disk is, in bytes; `percent` as `df` has it, of what users may use."""

    mount: Mount
    total: int
    used: int
    percent: float


class Disks(NamedTuple):
    """What was found: the disks that answered, and for each that did not, its mount and the reason."""

    usages: list[Usage]
    failures: list[tuple[Mount, str]]


def real_disks(mounts: Iterable[Mount], ignored: Collection[str] = ()) -> list[list[Mount]]:
    """The mounts that stand for storage, grouped by the disk they show, the shortest mount point first.

    `ignored` are mount points that the operator does not want. An overlay counts only as the root of a container: the
    others are the layers of containers on this machine, whose disk is counted already.
    """
    disks: dict[str, list[Mount]] = {}
    for mount in mounts:
        if mount.fstype in PSEUDO_FILE_SYSTEMS or mount.mountpoint in ignored:
            continue
        if mount.fstype == "overlay" and mount.mountpoint != "/":
            continue
        disks.setdefault(_identity(mount), []).append(mount)
    return [sorted(group, key=lambda mount: (len(mount.mountpoint), mount.mountpoint)) for group in disks.values()]


def _identity(mount: Mount) -> str:
    return mount.device or mount.mountpoint


async def read_disks(calls: BlockingCalls, ignored: Collection[str], deadline_seconds: float) -> Disks:
    """The usage of every real disk. One that hangs costs only its own figures, never more than the deadline."""
    mounts = await calls.call("mount table", _mount_table, deadline_seconds)
    groups = real_disks(mounts, ignored)
    outcomes = await asyncio.gather(
        *(calls.call(f"disk {_identity(group[0])}", partial(_usage, group), deadline_seconds) for group in groups),
        return_exceptions=True,
    )
    usages: list[Usage] = []
    failures: list[tuple[Mount, str]] = []
    for group, outcome in zip(groups, outcomes, strict=True):
        if isinstance(outcome, Usage):
            usages.append(outcome)
        elif isinstance(outcome, TimeoutError | Hanging):
            failures.append((group[0], "deadline"))
        elif isinstance(outcome, OSError):
            failures.append((group[0], "error"))
        elif isinstance(outcome, BaseException):
            raise outcome
    return Disks(usages, failures)


def _mount_table() -> list[Mount]:
    return [Mount(part.device, part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]


def _usage(group: list[Mount]) -> Usage | None:
    """The usage of a disk through its first mount that is a directory (containers mount single files of their host's
    disk); None if there is none that we may look at. OSError if the disk doesn't answer properly."""
    for mount in group:
        try:
            is_directory = stat.S_ISDIR(os.stat(mount.mountpoint).st_mode)
        except (PermissionError, FileNotFoundError):  # not ours to see, or hidden under another mount
            continue
        if is_directory:
            usage = psutil.disk_usage(mount.mountpoint)
            return Usage(mount, usage.total, usage.used, usage.percent) if usage.total else None
    return None
