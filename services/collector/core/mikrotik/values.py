"""Values as RouterOS writes them."""

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network

_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SIZES = (604_800, 86_400, 3_600, 60, 1)
_CLOCK = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(\d+):(\d\d):(\d\d)")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:%|[A-Za-z]*)")
_FACTORS = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_RATE = re.compile(r"(\d+(?:\.\d+)?)([kKMG]?)(?:bps)?")


def seconds(text: str) -> int:
    """The span `1w2d3h4m5s`, or `1d02:03:04` as old versions have it. ValueError if it is neither."""
    found = _CLOCK.fullmatch(text) or (_DURATION.fullmatch(text) if text else None)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no time span")
    return sum(int(count or 0) * size for count, size in zip(found.groups(), _SIZES, strict=True))


def number(text: str) -> float:
    """A finite number, perhaps with a unit behind it such as `24.1V`. ValueError if it doesn't begin with one."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no number")
    return float(found[1])


def flag(text: str) -> bool:
    """`true` or `false`, `yes` or `no`. ValueError if it is something else."""
    if text in ("true", "yes"):
        return True
    if text in ("false", "no"):
        return False
    raise ValueError(f"{text[:40]!r} is neither true nor false")


@lru_cache(maxsize=4096)  # limits are those of a few tariffs, and most rates are zero
def two_rates(text: str) -> tuple[float, float]:
    """(upload, download) in bit/s of `2000000/10M`. ValueError if it is not of that form."""
    parts = [_RATE.fullmatch(part) for part in text.split("/")]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        raise ValueError(f"{text[:40]!r} is not a pair of rates")
    first, second = (float(part[1]) * _FACTORS[part[2]] for part in parts if part is not None)
    return first, second


def addresses(ranges: str) -> int:
    """How many addresses `10.0.0.2-10.0.0.9,10.0.1.0/24` holds. ValueError if a range is none."""
    count = 0
    for text in ranges.split(","):
        first, dash, last = text.strip().partition("-")
        if not dash:
            count += ip_network(first, strict=False).num_addresses
            continue
        size = int(ip_address(last)) - int(ip_address(first)) + 1
        if size < 1:
            raise ValueError(f"range {text[:80]!r} ends before it begins")
        count += size
    return count
