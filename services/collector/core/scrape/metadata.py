"""What an exposition says about its metrics: types and help texts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.collector.core.scrape.errors import BadScrape
from services.collector.core.scrape.lines import shown

_CLASSIC = re.compile(r"[ \t]*#[ \t]+(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]+(.*))?")
_OPENMETRICS = re.compile(r'# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*|"(?:[^"\\]|\\.)*") (.*)')
_ESCAPE = re.compile(r'\\([\\n"])')

CLASSIC_TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
OPENMETRICS_TYPES = ("counter", "gauge", "histogram", "gaugehistogram", "stateset", "info", "summary", "unknown")

# The types of the bus. What a gauge histogram counts may fall, so that its series are gauges.
_OURS = {"untyped": "unknown", "info": "gauge", "stateset": "gauge", "gaugehistogram": "gauge"}
_SUFFIXES = {
    "_bucket": ("histogram", "gaugehistogram"),
    "_sum": ("histogram", "summary"),
    "_count": ("histogram", "summary"),
    "_total": ("counter",),
    "_gsum": ("gaugehistogram",),
    "_gcount": ("gaugehistogram",),
    "_info": ("info",),
    "_created": ("counter", "histogram", "summary"),
}


@dataclass
class Metadata:
    """By metric family, as the exposition names it."""

    types: dict[str, str] = field(default_factory=dict)
    helps: dict[str, str] = field(default_factory=dict)


def read(comments: Iterable[str], openmetrics: bool) -> Metadata:
    """What lines that begin with `#` say. BadScrape for a type that doesn't exist, and in OpenMetrics for comments."""
    found = Metadata()
    known = OPENMETRICS_TYPES if openmetrics else CLASSIC_TYPES
    for line in comments:
        match = (_OPENMETRICS if openmetrics else _CLASSIC).fullmatch(line)
        if match is None:
            if openmetrics:
                raise BadScrape("parse", f"neither HELP, TYPE, UNIT nor EOF: {shown(line)}")
            continue
        kind, name, text = match[1], match[2].strip('"'), match[3] or ""
        if kind == "HELP":
            found.helps[name] = _ESCAPE.sub(lambda one: "\n" if one[1] == "n" else one[1], text)
        elif kind == "UNIT":
            if text and not name.endswith(f"_{text}"):
                raise BadScrape("parse", f"the unit is no suffix of the name: {shown(line)}")
        elif text.strip(" \t") in known:
            found.types[name] = text.strip(" \t")
        else:
            raise BadScrape("parse", f"there is no such type: {shown(line)}")
    return found


def type_of(name: str, types: Mapping[str, str]) -> str:
    """The type, as the bus has it, of the series called `name`."""
    given = types.get(name)
    if given is not None:
        return "unknown" if given == "histogram" else _OURS.get(given, given)
    for suffix, kinds in _SUFFIXES.items():
        if name.endswith(suffix):
            family = types.get(name.removesuffix(suffix), "")
            if family in kinds:
                return "gauge" if suffix == "_created" else _OURS.get(family, family)
    return "unknown"
