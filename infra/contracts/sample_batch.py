"""The schema of a sample batch. It is MessagePack, so the schema describes the decoded map; columns of bytes are shown
as JSON Schema shows bytes, as base64, with their element under `x-column`."""

import re
from typing import Any

from shared.messages import samples
from shared.messages.samples import EARLIEST_MS, LATEST_MS, MOST_SAMPLES, SampleBatch
from shared.messages.series import LABEL_NAME, LONGEST_TEXT, METRIC_NAME, METRIC_TYPES, MOST_LABELS

_ROW = re.compile(r"^    (\w+) +(text|array|bytes|integer) +(.+)$", re.MULTILINE)


def sample_batch_schema() -> dict[str, Any]:
    """Built from the table that documents shared/messages/samples.py. ValueError if that and the class differ."""
    documented = {name: (kind, text.removeprefix("of ")) for name, kind, text in _ROW.findall(samples.__doc__ or "")}
    if tuple(documented) != SampleBatch.__struct_fields__:
        raise ValueError(
            f"shared/messages/samples.py documents {list(documented)}, has {SampleBatch.__struct_fields__}"
        )
    return {
        "title": "SampleBatch",
        "description": "Many samples, as columns: sample i is (series[index[i]], times[i], values[i]). "
        "A MessagePack map; keys that a reader does not know are to be ignored.",
        "type": "object",
        "properties": {name: _property(name, kind, text) for name, (kind, text) in documented.items()},
        "required": [name for name in documented if name not in ("group", "evaluated")],
    }


def _property(name: str, kind: str, text: str) -> dict[str, Any]:
    if kind == "bytes":
        return {"type": "string", "contentEncoding": "base64", "description": text, "x-column": _COLUMNS[name]}
    if kind == "array":
        return {"type": "array", "description": text, **_ARRAYS[name]}
    return {"type": "integer" if kind == "integer" else "string", "description": text}


_COLUMNS: dict[str, dict[str, Any]] = {
    "index": {"messagepack": "bin", "element": "uint32", "byte_order": "little", "element_bytes": 4},
    "times": {
        "messagepack": "bin",
        "element": "int64",
        "byte_order": "little",
        "element_bytes": 8,
        "unit": "milliseconds since 1970-01-01T00:00:00Z",
        "minimum": EARLIEST_MS,
        "maximum": LATEST_MS,
    },
    "values": {
        "messagepack": "bin",
        "element": "float64",
        "byte_order": "little",
        "element_bytes": 8,
        "stale": "0x7ff0000000000002",
        "most_elements": MOST_SAMPLES,
    },
}
_LABEL = LABEL_NAME.pattern + r'="([^"\\\n]|\\[\\"n])*"'
_ARRAYS: dict[str, dict[str, Any]] = {
    "series": {
        "uniqueItems": True,
        "items": {
            "type": "string",
            "description": "Canonical series key: the metric's name, then its labels sorted by name; an empty "
            f'label is none; in values \\, " and line feed are escaped. At most {MOST_LABELS} labels with the name, '
            f"texts of at most {LONGEST_TEXT} characters.",
            "pattern": rf"^{METRIC_NAME.pattern}(\{{{_LABEL}(,{_LABEL})*\}})?$",
        },
    },
    "types": {
        "description": "Metric types, one per series",
        "items": {"type": "string", "enum": list(METRIC_TYPES)},
    },
}
