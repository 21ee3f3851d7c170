"""`/interface`: counters, and rates from one reading to the next."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.collector.core.mikrotik import metrics as m
from services.collector.core.mikrotik.values import flag, number
from shared.messages.samples import Sample

Row = Mapping[str, str]

_COUNTERS = (
    ("rx-byte", m.RECEIVED),
    ("tx-byte", m.SENT),
    ("rx-error", m.RECEIVE_ERRORS),
    ("tx-error", m.SEND_ERRORS),
    ("rx-drop", m.RECEIVE_DROPS),
    ("tx-drop", m.SEND_DROPS),
    ("link-downs", m.LINK_DOWNS),
)
_RATES = (("rx-byte", m.RECEIVE_RATE), ("tx-byte", m.SEND_RATE))


# RouterOS tells whole seconds, so two uptimes are this far off at most.
UPTIME_STEP = 2.0


class Counted(NamedTuple):
    """Byte counters at one moment."""

    uptime: float
    """Of the router, in seconds."""
    at: float
    """By our own clock, in seconds: finer, but it knows nothing of how time passes on the router."""
    bytes: Mapping[tuple[str, str], float]
    """By (interface, `rx-byte` or `tx-byte`)."""


def counted(uptime: float, at: float, rows: Iterable[Row]) -> Counted:
    """The byte counters of `rows`, read at that time."""
    found = {(row["name"], name): number(row[name]) for row in rows for name, _ in _RATES if name in row}
    return Counted(uptime, at, found)


def samples(router: str, time_ms: int, rows: Iterable[Row]) -> list[Sample]:
    """State and counters of each interface that is not switched off. What an interface doesn't count is left out."""
    made = []
    for row in rows:
        if flag(row.get("disabled", "false")):
            continue
        labels = {"router": router, "interface": row["name"]}
        made.append(m.RUNNING.sample(time_ms, flag(row.get("running", "false")), **labels))
        made += [metric.sample(time_ms, number(row[name]), **labels) for name, metric in _COUNTERS if row.get(name)]
    return made


def rates(router: str, time_ms: int, before: Counted | None, after: Counted) -> list[Sample]:
    """Bytes per second between two readings; none across a reboot, or of a counter that went back."""
    if before is None or after.uptime <= before.uptime:
        return []
    passed = after.uptime - before.uptime
    if after.at > before.at and abs(after.at - before.at - passed) <= UPTIME_STEP:
        passed = after.at - before.at
    made = []
    for (interface, name), value in after.bytes.items():
        earlier = before.bytes.get((interface, name))
        if earlier is not None and value >= earlier:
            rate = (value - earlier) / passed
            made.append(dict(_RATES)[name].sample(time_ms, rate, router=router, interface=interface))
    return made
