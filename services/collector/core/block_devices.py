"""Which block devices are disks of their own: their traffic adds up, that of a disk and its partitions doesn't."""

import re

_NO_DISK = re.compile(
    r"(?:loop|ram|zram|fd|sr)\d+"  # not storage
    r"|(?:[hsv]d|xvd)[a-z]+\d+"  # partitions: sda1
    r"|(?:nvme\d+n\d+|mmcblk\d+|nbd\d+)p\d+"  # partitions: nvme0n1p1
    r"|(?:md|dm-)\d+"  # built from disks that are counted
)


def is_disk(device: str) -> bool:
    """Whether `device`, as the kernel names it, is a whole disk."""
    return not _NO_DISK.fullmatch(device)
