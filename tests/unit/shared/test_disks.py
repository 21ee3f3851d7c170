from shared.disks import Mount, real_disks


def shown(*mounts: tuple[str, str, str], ignored: tuple[str, ...] = ()) -> list[list[str]]:
    """The mount points of each disk found among (device, mount point, file system)."""
    return [[mount.mountpoint for mount in group] for group in real_disks((Mount(*one) for one in mounts), ignored)]


def test_a_server_with_disks_and_pseudo_file_systems() -> None:
    assert shown(
        ("proc", "/proc", "proc"),
        ("udev", "/dev", "devtmpfs"),
        ("tmpfs", "/run", "tmpfs"),
        ("/dev/sda1", "/", "ext4"),
        ("/dev/sdb1", "/data", "xfs"),
        ("nas:/backup", "/mnt/backup", "nfs4"),
        ("/dev/loop0", "/snap/core/1", "squashfs"),
        ("cgroup2", "/sys/fs/cgroup", "cgroup2"),
    ) == [["/"], ["/data"], ["/mnt/backup"]]


def test_a_container_sees_its_root_and_the_disk_behind_its_single_files_once() -> None:
    assert shown(
        ("overlay", "/", "overlay"),
        ("/dev/sda1", "/etc/resolv.conf", "ext4"),
        ("/dev/sda1", "/etc/hosts", "ext4"),
        ("/dev/sda1", "/data", "ext4"),
        ("shm", "/dev/shm", "tmpfs"),
    ) == [["/"], ["/data", "/etc/hosts", "/etc/resolv.conf"]]


def test_the_layers_of_containers_on_this_machine_are_no_disks() -> None:
    assert shown(
        ("/dev/sda1", "/", "ext4"),
        ("overlay", "/var/lib/docker/overlay2/abc/merged", "overlay"),
    ) == [["/"]]


def test_what_the_operator_ignores() -> None:
    assert shown(("/dev/sda1", "/", "ext4"), ("/dev/sr0", "/media/image", "udf"), ignored=("/media/image",)) == [["/"]]


def test_mounts_without_a_device_are_told_apart() -> None:
    assert shown(("", "/a", "virtiofs"), ("", "/b", "virtiofs")) == [["/a"], ["/b"]]
