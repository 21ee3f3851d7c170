import pytest

from services.collector.core.block_devices import is_disk


@pytest.mark.parametrize("device", ["sda", "sdaa", "vda", "xvda", "nvme0n1", "mmcblk0", "nbd0", "hda", "disk0"])
def test_disks(device: str) -> None:
    assert is_disk(device)


@pytest.mark.parametrize(
    "device",
    ["sda1", "sdaa12", "vda2", "nvme0n1p1", "mmcblk0p2", "nbd0p1", "loop3", "ram0", "zram0", "dm-0", "md127", "sr0"],
)
def test_what_would_be_counted_twice_or_is_no_storage(device: str) -> None:
    assert not is_disk(device)
