"""`time_intervals` of a configuration, and `mute_time_intervals`, as they were called first."""

from collections.abc import Iterator

from shared.routing.errors import BadInterval
from shared.routing.fields import texts, without_nulls
from shared.routing.interval_reading import KEYS, RANGES, span
from shared.routing.intervals import Span, TimeInterval
from shared.rules.fields import FieldReader
from shared.rules.tree import Tree


def read_time_intervals(fields: dict[str, Tree], reading: FieldReader) -> dict[str, TimeInterval]:
    """All of them by name; what is wrong is noted."""
    intervals: dict[str, TimeInterval] = {}
    for key in ("mute_time_intervals", "time_intervals"):
        for item in reading.items(fields.get(key), key):
            named = reading.fields(without_nulls(item), ("name", "time_intervals"), "a time interval")
            name = reading.text(named.get("name"))
            if not name:
                reading.add(item, "a time interval needs a name")
                continue
            if name in intervals:
                reading.add(item, f"the time interval {name[:80]!r} is there twice")
            intervals[name] = TimeInterval(name, tuple(_spans(named.get("time_intervals"), reading)))
    return intervals


def _spans(tree: Tree | None, reading: FieldReader) -> Iterator[Span]:
    for item in reading.items(tree, "time_intervals"):
        fields = reading.fields(without_nulls(item), KEYS, "an interval")
        times = list(_times(fields["times"], reading)) if "times" in fields else None
        ranges = {key: texts(fields[key], key, reading) for key in RANGES if key in fields}
        location = reading.text(fields.get("location"))
        try:
            yield span(times, location, ranges)
        except BadInterval as error:
            reading.add(item, str(error))


def _times(tree: Tree, reading: FieldReader) -> Iterator[tuple[str, str]]:
    for item in reading.items(tree, "times"):
        fields = reading.fields(without_nulls(item), ("start_time", "end_time"), "a time")
        start, end = (reading.text(fields.get(key)) for key in ("start_time", "end_time"))
        if start and end:
            yield start, end
        else:
            reading.add(item, "a time needs 'start_time' and 'end_time'")
