from services.health.checks.disk_space import judge
from shared.disks import Disks, Mount, Usage

GIGABYTE = 1024**3


def disk(mountpoint: str, percent: float) -> Usage:
    return Usage(Mount(f"/dev{mountpoint}", mountpoint, "ext4"), 100 * GIGABYTE, round(percent * GIGABYTE), percent)


def test_the_fullest_disk_decides() -> None:
    finding = judge(Disks([disk("/", 20.0), disk("/data", 85.5), disk("/var", 50.0)], []), 80.0, 90.0)
    assert finding.status == "degraded"
    assert finding.details == {"used": "85.5GB", "total": "100.0GB", "percent": 85.5, "mountpoint": "/data"}


def test_a_disk_that_does_not_answer_is_unhealthy_and_named() -> None:
    silent = Mount("nas:/backup", "/mnt/backup", "nfs4")
    finding = judge(Disks([disk("/", 20.0)], [(silent, "deadline")]), 80.0, 90.0)
    assert finding.status == "unhealthy"
    assert finding.details["error"] == "no answer from /mnt/backup"
    assert finding.details["percent"] == 20.0


def test_no_disk_at_all_is_not_healthy() -> None:
    assert judge(Disks([], []), 80.0, 90.0).status == "unhealthy"
